"""`python -m tests.bench.real_model --folder DIR`: tickets of the sample through a real worker, asked of a real model.

DIR has `model.gguf`, and `node_modules` with node-llama-cpp; tests/bench/README.md says from which packages. The worker
is killed once, in the middle of a call. Ends with 1 unless every promise was kept, whatever the model says.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from tasks.run.messages import SUBMIT
from tests.chaos.fleet import Fleet, FleetLedger
from tests.chaos.verdict import REST
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker.sample import sample_tickets

CONTEXT_TOKENS = 8192
NAME = "openai:real"
ENVIRONMENT = {
    "DESKHAND_MAX_SECONDS": "none",
    "DESKHAND_MAX_WAIT_SECONDS": "none",
    "DESKHAND_CALL_SECONDS": "300",
    "DESKHAND_LEASE_SECONDS": "5",
    "DESKHAND_MAX_OUTPUT_TOKENS": "400",
    "DESKHAND_TOOLS": "",  # a model this small looks up the same thing again and again, and nothing else
}
PRICE = f"{{input: 0.1, output: 0.4, context: {CONTEXT_TOKENS}}}"
"""Of a model that costs nothing no cap could be exceeded."""

ON_THEIR_WAY = ("queued", "running", "parked")

KILLED_AFTER = 3
"""Tickets at rest before the worker is killed."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real_model")
    parser.add_argument("--folder", type=Path, required=True, help="with model.gguf and node_modules/node-llama-cpp")
    parser.add_argument("--tickets", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1, help="of the model")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaving ends servers and workers
    rows = sample_tickets("test", options.tickets, options.seed)
    with tempfile.TemporaryDirectory(prefix="deskhand-real-") as scratch:
        return campaign(Path(scratch), options.folder.resolve(), options.threads, rows)


def campaign(scratch: Path, folder: Path, threads: int, rows: list[dict[str, Any]]) -> int:
    (scratch / "prices.yaml").write_text(f"{NAME}: {PRICE}\n")
    with (
        served(folder, threads) as url,
        ValkeyServer(scratch / "valkey") as store,
        Fleet(
            scratch / "fleet",
            store.url,
            DESKHAND_MODEL=f"{NAME}@{url}",
            DESKHAND_PRICES=str(scratch / "prices.yaml"),
            **ENVIRONMENT,
        ) as fleet,
        FleetLedger(fleet) as ledger,
    ):
        began = monotonic()
        ids = ledger.accept(*(dict(row["ticket"]) for row in rows))
        worker = fleet.start(slots=2)
        wait_for(lambda: at_rest(ledger) >= KILLED_AFTER, 3600.0, "the first tickets at rest", 1.0)
        wait_for(lambda: ledger.states().get("running"), 60.0, "a call on its way")
        worker.kill9()
        fleet.start(slots=2)
        with suppress(AssertionError):  # the verdict says what is stuck
            wait_for(lambda: at_rest(ledger) == len(ids), 120.0 * len(ids), interval=1.0)
        report(f"{len(ids)} tickets in {monotonic() - began:.0f} s, one worker killed")
        figures(ledger, ids, rows)
        return judged(ledger, ids)


@contextmanager
def served(folder: Path, threads: int) -> Iterator[str]:
    """The model's server; it ends with the block."""
    script = shutil.copy(Path(__file__).with_name("serve.mjs"), folder)  # a module looks for others beside itself
    argv = ["node", script, str(folder / "model.gguf"), str(CONTEXT_TOKENS), str(threads)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def at_rest(ledger: FleetLedger) -> int:
    states = ledger.states()
    return sum(states.get(state, 0) for state in REST)


def judged(ledger: FleetLedger, ids: list[str]) -> int:
    """The promises, counted; 1 where one was not kept."""
    cap, audit = ledger.settings.limits.max_cost_nanodollars, ledger.audit()
    at = {ticket_id: state for state in (*REST, *ON_THEIR_WAY) for ticket_id in ledger.ids(state)}
    views = [ledger.view(ticket_id) for ticket_id in ids]
    broken = {
        "lost": [ticket_id for ticket_id in ids if ticket_id not in at],
        "over cap": [view.id for view in views if cap is not None and view.spent_nanodollars > cap],
        "beyond their worst case": [
            *range(ledger.loop.run(ledger.parts.views.stats()).counters.get("bound_violations", 0))
        ],
        "settled twice": [ticket_id for ticket_id in ids if settled_twice(ledger.journal(ticket_id))],
        "stuck": [ticket_id for ticket_id, state in at.items() if state not in REST],
        "unbalanced": [*audit.problems, *(["reserved"] if audit.reserved else [])],
    }
    report(", ".join(f"{name} {len(found)}" for name, found in broken.items()))
    return 1 if any(broken.values()) else 0


def settled_twice(journal: list[dict[str, Any]]) -> bool:
    calls = [event["call_id"] for event in journal if event["type"] in ("model_replied", "model_failed", "call_lost")]
    return len(calls) > len(set(calls))


def figures(ledger: FleetLedger, ids: list[str], rows: list[dict[str, Any]]) -> None:
    """What the model made of it: no promise, and said as it is."""
    views = [ledger.view(ticket_id) for ticket_id in ids]
    answered = [(view.decision, row) for view, row in zip(views, rows, strict=True) if view.decision]
    right = {name: sum(found[name] == row[name] for found, row in answered) for name in ("label", "team")}
    replies = [event for one in ids for event in ledger.journal(one) if event["type"] == "model_replied"]
    tokens = {name: sum(event[name] for event in replies) for name in ("input_tokens", "output_tokens")}
    seconds = sorted(event["seconds"] for event in replies)
    report(f"states {ledger.states()}; handed off {dict(Counter(str(view.reason) for view in views if view.reason))}")
    report(f"suggestions {len(answered)}: label right {right['label']}, team right {right['team']}")
    said = [last_said(ledger.journal(ticket_id)) for ticket_id in ids]
    right_said = sum(label == row["label"] for label, row in zip(said, rows, strict=True))
    report(f"of what it said last, accepted or not: label right {right_said} of {len([one for one in said if one])}")
    report(f"calls {len(replies)}, {tokens}, {seconds[len(seconds) // 2]:.1f} s a call at the median")


def last_said(journal: list[dict[str, Any]]) -> str:
    """The label of the last call that submits."""
    blocks = [block for event in journal if event["type"] == "model_replied" for block in event["content"]]
    labels = [block["input"].get("label") for block in blocks if block.get("name") == SUBMIT]
    return str(labels[-1]) if labels else ""


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
