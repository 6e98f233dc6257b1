"""Switches, status, bulk retry, plan, audit: what operators lean on."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.limits.source_caps import SourceCaps, SourceTerms
from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger, claimed, fail, suggest, working


def test_status_always_has_all_states(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("status", "--json").json()["states"] == {state.value: 0 for state in State}
    ledger.failed("f1")
    document = deskhand("status", "--json").json()
    assert document["states"]["handed_off"] == 1
    assert document["inbox"] == {"step_limit": 1}
    assert document["spent_usd_today"] == pytest.approx(0.0036)


def test_status_lists_workers_and_names_one_that_fell_silent(deskhand: Deskhand, ledger: DirectLedger) -> None:
    sources = SourceTerms({"backfill": SourceCaps(day=2_000_000_000)}, {"backfill": 60})
    beat = {"slots": 4, "busy": 1, "queues": ["tickets"], "draining": False, "day_cap": 5_000_000_000}
    beat["sources"] = sources.document

    async def seen(ledger: Ledger) -> None:
        now = await ledger.store.now_ms()
        beats = {"box:7:ab": {**beat, "at": now}, "box:8:cd": {**beat, "at": now - 600_000}}
        await ledger.store.put("workers", {name: json.dumps(found) for name, found in beats.items()})

    ledger.do(seen)
    document = deskhand("status", "--json").json()
    assert document["workers"] == 1
    assert document["daily_budget_usd"] == 5.0, "the workers' own, whatever this shell says"
    (budget,) = document["source_budgets"]
    assert (budget["source"], budget["budget_usd"], document["source_rates"]) == ("backfill", 2.0, {"backfill": 60})
    assert {found["worker"]: found["silent"] for found in document["seen_workers"]} == {
        "box:7:ab": False,
        "box:8:cd": True,
    }
    lines = deskhand("status").out.splitlines()
    assert ["FROZEN" in line for line in lines if "box:" in line] == [False, True]


def test_a_worker_that_still_trains_its_model_is_starting_and_not_missing(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    beat = {"slots": 0, "busy": 0, "queues": ["tickets", "handoff"], "draining": False, "starting": True}

    async def begun(ledger: Ledger) -> None:
        at = await ledger.store.now_ms()
        await ledger.store.put("workers", {"box:7:ab": json.dumps({**beat, "at": at})})

    ledger.queued("t1")
    assert "no worker was seen" in deskhand("status").out
    ledger.do(begun)
    said = deskhand("status").out
    assert "a worker is starting: it trains its local model first" in said
    assert "no worker" not in said
    document = deskhand("status", "--json").json()
    assert (document["workers"], document["slots"], document["seen_workers"][0]["starting"]) == (0, 0, True)


def test_pauses_and_the_kill_switch_stand_on_top_of_status(deskhand: Deskhand, ledger: DirectLedger) -> None:
    deskhand("pause", "--as", "anna")
    deskhand("autonomy", "off", "--as", "ben")
    assert ledger.control()["paused:tickets"] == "1"
    assert (ledger.control()["autonomy"], ledger.control()["changed_by"]) == ("off", "ben")
    banner = deskhand("status").out.splitlines()[:2]
    assert "PAUSED: tickets" in banner[0]
    assert "SWITCHED OFF" in banner[1]
    deskhand("unpause")
    deskhand("autonomy", "suggest")
    assert "paused:tickets" not in ledger.control()
    assert deskhand("autonomy", "--json").json()["autonomy"] == "suggest"


def test_every_switch_is_logged_and_shown_by_status(deskhand: Deskhand, ledger: DirectLedger) -> None:
    deskhand("pause", "--as", "anna")
    deskhand("budget", "--day", "12.50", "--as", "ben")
    log = deskhand("control", "log", "--json").json()
    assert [(line["who"], line["what"], line["before"], line["after"]) for line in log] == [
        ("ben", "day_cap", None, "12500000000"),
        ("anna", "paused:tickets", None, "1"),
    ]
    assert deskhand("status", "--json").json()["control_log"] == log
    assert "ben daily budget: as set up -> $12.50" in deskhand("status").out
    assert "anna" in deskhand("control", "log").out


def test_a_budget_is_set_looked_at_and_lifted(deskhand: Deskhand, ledger: DirectLedger) -> None:
    assert deskhand("budget", "--json").json()["daily_budget_usd"] is None
    assert deskhand("budget", "--day", "0", "--json").json()["daily_budget_usd"] == 0
    assert deskhand("status", "--json").json()["daily_budget_usd"] == 0
    assert ledger.control()["day_cap"] == "0"
    assert "none" in deskhand("budget", "--day", "none").out
    assert "day_cap" not in ledger.control()


def test_a_budget_of_a_source_is_set_shown_and_lifted(deskhand: Deskhand, ledger: DirectLedger) -> None:
    found = deskhand("budget", "--source", "backfill", "--day", "2", "--month", "40", "--json").json()["budgets"]
    assert [(each["period"], each["budget_usd"], each["near"]) for each in found] == [
        ("day", 2, False),
        ("month", 40, False),
    ]
    assert deskhand("status", "--json").json()["source_budgets"] == found
    assert "backfill, this month: $0.00 of $40.00 spent or reserved" in deskhand("status").out
    assert (
        "backfill has no budget" in deskhand("budget", "--source", "backfill", "--day", "none", "--month", "none").out
    )
    assert deskhand("budget", "--month", "3").code == 1
    assert deskhand("budget", "--source", "backfill", "--rate", "60", "--json").json()["rate_per_minute"] == 60
    assert deskhand("status", "--json").json()["source_rates"] == {"backfill": 60}
    assert "backfill: 60 tickets a minute at most" in deskhand("status").out
    assert "write tickets a minute" in deskhand("budget", "--source", "backfill", "--rate", "0").err
    assert ledger.control()["rate:backfill"] == "60"


def test_raising_the_budget_wakes_what_waits_for_it(deskhand: Deskhand, ledger: DirectLedger) -> None:
    async def park(ledger: Ledger) -> None:
        lease = await claimed(ledger, "t1")
        await ledger.park(lease, [], Reason.DAILY_BUDGET, await ledger.store.now_ms() + 3_600_000)

    ledger.do(park)
    assert deskhand("budget", "--day", "1", "--json").json()["woken"] == 0
    assert deskhand("budget", "--day", "2", "--json").json()["woken"] == 1
    assert ledger.do(lambda ledger: ledger.sweep(limit=9, max_losses=3)) == [("triage", "t1")]


@pytest.mark.parametrize("amount", ["-1", "lots", "nan", "inf"])
def test_a_budget_that_is_no_amount_is_refused(deskhand: Deskhand, amount: str) -> None:
    result = deskhand("budget", "--day", amount)
    assert (result.code, "--day" in result.err) == (1, True)


def test_a_worker_to_drain_is_named_by_any_part_of_its_name(deskhand: Deskhand, ledger: DirectLedger) -> None:
    beat = {"slots": 4, "busy": 1, "queues": ["tickets"], "draining": False}

    async def beats(ledger: Ledger) -> None:
        at = await ledger.store.now_ms()
        await ledger.store.put("workers", {name: json.dumps({**beat, "at": at}) for name in ("box:7:ab", "box:8:cd")})

    ledger.do(beats)
    assert [found["worker"] for found in deskhand("drain", "--json").json()] == ["box:7:ab", "box:8:cd"]
    assert "2 workers" in deskhand("drain", "box").err
    assert "no worker" in deskhand("drain", "other").err
    assert deskhand("drain", ":8:", "--json").json() == {"worker": "box:8:cd"}
    assert ledger.control()["drain:box:8:cd"] == "1"


def test_a_paused_queue_holds_and_loses_nothing(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.queued("t1")
    deskhand("pause")
    assert ledger.do(lambda ledger: ledger.claim("t1", "worker-1")) == "paused"
    deskhand("unpause", "--queue", "tickets")
    assert not isinstance(ledger.do(lambda ledger: ledger.claim("t1", "worker-1")), str)


def test_the_plan_has_every_reason_and_the_tiers(deskhand: Deskhand) -> None:
    document = deskhand("plan", "--json").json()
    assert {row["reason"] for row in document["plan"]} == {reason.value for reason in Reason}
    (tier,) = document["tiers"]
    assert (tier["tier"], tier["model"]) == (1, "local")
    assert tier["rests_on"] == "it is trained when first used"
    assert all(reason.value in deskhand("plan").out for reason in Reason)
    waits = {row["reason"]: row["waits"] for row in document["plan"]}
    assert waits["model_overloaded"] == {"most": 6, "seconds": 126.0, "until_midnight": False}
    assert [(each["bound"], each["most"]) for each in document["bounds"]] == [("waiting", 3600.0), ("working", 60.0)]


def test_a_balanced_ledger_passes_the_audit(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("f1")
    assert deskhand("audit", "--json").json()["balanced"] is True
    assert deskhand("audit").out.endswith("balanced\n")


def test_a_ledger_that_does_not_balance_fails_the_audit_with_the_ids(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("f1")
    ledger.do(lambda ledger: ledger.store.put("t:f1", {"spent": "999"}))
    result = deskhand("audit")
    assert result.code == 1
    assert "f1" in result.err


def test_the_audit_gives_back_what_no_ticket_holds_where_it_is_asked_to(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    ledger.failed("f1")
    day = f"day:{ledger.do(lambda ledger: ledger.store.now_ms()) // 86_400_000}"
    ledger.do(lambda ledger: ledger.store.put(day, {"reserved": "5000000"}))
    assert deskhand("audit").code == 1
    result = deskhand("audit", "--repair")
    assert (result.code, result.err) == (0, f"{day.replace(':', ' ')}: reserved $0.005 -> $0.00\n")
    assert deskhand("audit", "--json").json()["balanced"] is True


def test_a_dry_run_counts_and_changes_nothing(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("f1")
    document = deskhand("retry", "--reason", "step_limit", "--dry-run", "--json").json()
    assert (document["found"], document["resumed"]) == (1, 0)
    assert ledger.state("f1") is State.HANDED_OFF


def test_retry_asks_first(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("f1")
    assert deskhand("retry", "--reason", "step_limit").code == 2
    assert ledger.state("f1") is State.HANDED_OFF


def test_the_others_follow_a_canary_that_comes_through(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for number in range(3):
        ledger.failed(f"f{number}")
    ledger.failed("other", Reason.COST_LIMIT)
    with working(ledger, "f0", suggest):
        document = deskhand("retry", "--reason", "step_limit", "--yes", "--json").json()
    assert (document["canary"], document["canary_state"], document["resumed"]) == ("f0", "suggested", 3)
    assert ledger.state("f2") is State.QUEUED
    assert ledger.state("other") is State.HANDED_OFF


def test_a_canary_that_fails_again_stops_the_rest(deskhand: Deskhand, ledger: DirectLedger) -> None:
    for number in range(2):
        ledger.failed(f"f{number}")
    with working(ledger, "f0", fail):
        result = deskhand("retry", "--reason", "step_limit", "--yes", "--json")
    assert (result.code, result.json()["resumed"]) == (1, 1)
    assert "failed with step_limit again" in result.err
    assert ledger.state("f1") is State.HANDED_OFF


def test_who_is_held_by_a_person_is_skipped(deskhand: Deskhand, ledger: DirectLedger) -> None:
    ledger.failed("f1")
    deskhand("inbox", "claim", "f1", "--as", "anna")
    result = deskhand("retry", "--reason", "step_limit", "--yes")
    assert (result.code, "held by anna" in result.err) == (1, True)


def test_broken_settings_are_one_line_each(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_MAX_STEPS", "many")
    monkeypatch.setenv("DESKHAND_TYPO", "1")
    result = deskhand("status")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 2)


def test_a_store_out_of_reach_is_one_line(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, start_valkey: Callable[..., ValkeyServer]
) -> None:
    server = start_valkey()
    monkeypatch.setenv("DESKHAND_REDIS_URL", server.url)
    server.stop()
    result = deskhand("status", "--json")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "cannot be reached" in result.err


def test_help_loads_nothing_but_what_lists_the_commands() -> None:
    probe = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write('\\n'.join(sys.modules)))\n"
        "from worker.cli import main\n"
        "main(['--help'])\n"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "Usage: deskhand" in shown.stdout
    loaded = set(shown.stderr.splitlines())
    assert {name for name in loaded if name.partition(".")[0] in ("worker", "fallbacks", "tasks")} == {
        "worker",
        "worker.cli",
        *(f"worker.cli.{name}" for name in ("app", "faults", "index", "listing", "output", "printable")),
    }
    assert not loaded & {"celery", "redis", "anthropic", "pydantic", "numpy", "rich", "asyncio", "ssl"}


def test_the_simulator_serves_and_unknown_faults_are_a_wrong_call(deskhand: Deskhand) -> None:
    assert deskhand("simulator", "--fault", "gremlins").code == 2
    command = [sys.executable, "-m", "worker.cli", "simulator", "--fault", "429", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        assert "http://127.0.0.1:" in served.stdout.readline()
        served.terminate()
