"""`deskhand prompts`: what worked here, since when, and its text."""

from pathlib import Path

import pytest

from fallbacks.ledger.prompts import keep_prompt
from tasks.run.prompt import Prompt
from tasks.triage.prompt import BUILT_IN
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import HOSTILE, DirectLedger

OTHER = Prompt(f"Route it by submit_decision. {HOSTILE}")


def test_what_worked_here_is_listed_with_its_first_use_and_printed_whole(
    deskhand: Deskhand, ledger: DirectLedger
) -> None:
    ledger.do(lambda ledger: keep_prompt(ledger.store, BUILT_IN))
    ledger.do(lambda ledger: keep_prompt(ledger.store, OTHER))
    listed = deskhand("prompts", "--json").json()
    assert listed["in_force"] == BUILT_IN.version
    assert [(each["version"], each["in_force"]) for each in listed["prompts"]] == [
        (BUILT_IN.version, True),
        (OTHER.version, False),
    ]
    assert all(each["first_used"].endswith("Z") for each in listed["prompts"])
    assert "in force" in deskhand("prompts").out
    one = deskhand("prompts", OTHER.version[:5], "--json").json()
    assert (one["version"], one["rules"]) == (OTHER.version, OTHER.rules)
    assert "\x1b" not in deskhand("prompts", OTHER.version).out
    assert BUILT_IN.rules.splitlines()[0] in deskhand("prompts", BUILT_IN.version).out


def test_before_a_worker_has_started_it_says_what_is_in_force(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert deskhand("prompts").out == f"in force: {BUILT_IN.version}; no worker has started with it yet\n"
    file = tmp_path / "prompt.txt"
    file.write_text("Route it by submit_decision.", "utf-8")
    monkeypatch.setenv("DESKHAND_PROMPT", str(file))
    assert Prompt("Route it by submit_decision.").version in deskhand("prompts").out
    file.write_text("Route it.", "utf-8")
    refused = deskhand("prompts")
    assert (refused.code, refused.err.strip()) == (
        1,
        f"DESKHAND_PROMPT: {file}: does not name submit_decision: nothing else ends the work",
    )
