"""The drill keeps its hands off live settings, shows kept promises as kept and broken ones as broken."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run.events import CallLost, Recorded
from worker.cli import main
from worker.config.settings import Settings
from worker.drill.campaign import chosen, drill
from worker.drill.report import paid_twice
from worker.drill.scenarios import SCENARIOS


@pytest.mark.long
def test_a_short_drill_keeps_the_promise_whatever_the_live_settings_are(tmp_path: Path) -> None:
    live = {
        "DESKHAND_REDIS_URL": "redis://127.0.0.1:1/0",
        "DESKHAND_ALERT_WEBHOOK_URL": "http://127.0.0.1:1/live",
        "DESKHAND_AUTONOMY": "off",
        "ANTHROPIC_API_KEY": "a-live-key",
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }
    command = [
        sys.executable,
        "-m",
        "worker.cli",
        "drill",
        "--only",
        "garbage_replies",
        "--only",
        "worker_kill",
        "--json",
    ]
    done = subprocess.run(command, env=live, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    garbage, killed = report["scenarios"]
    assert report["kept"]
    assert garbage["handed_off"]["invalid_decision"] == 2
    assert garbage["alerts_told"] == garbage["alerts_raised"] == garbage["tickets"]
    assert killed["worker_losses"] > 0, "the kills hit runs"
    assert (killed["suggested"], killed["lost"], killed["doubled"]) == (killed["tickets"], 0, 0)
    assert not list(tmp_path.glob("deskhand-drill-*")), "a drill that keeps the promise leaves nothing behind"


def test_an_end_that_the_plan_does_not_name_breaks_the_drill(tmp_path: Path) -> None:
    (loop,) = chosen(["endless_loop"])
    wrong = replace(loop, tickets=1, reason=Reason.STEP_LIMIT)
    (row,) = asyncio.run(drill([wrong], tmp_path, lambda done, what: None))
    assert not row.kept
    assert any("drill-1 is handed_off (loop_detected), planned: step_limit" in what for what in row.broken)


def test_an_unknown_scenario_is_a_fault_that_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["drill", "--only", "earthquake"])
    assert ended.value.code == 1
    assert "model_outage" in capsys.readouterr().err


def test_a_reply_paid_twice_counts_unless_its_result_died_with_its_worker() -> None:
    calls = {"repeated": [{"ticket": "a", "messages": 1, "finished": 2}, {"ticket": "b", "messages": 3, "finished": 3}]}
    lost = {"b": [Recorded(4, 0, 1, CallLost("call", 100))]}
    assert paid_twice(calls, lost) == 1 + 1


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_is_set_up_with_settings_that_exist_and_reasons_of_the_plan(scenario: object) -> None:
    (known,) = [one for one in SCENARIOS if one is scenario]
    assert set(known.settings) <= set(Settings.model_fields)
    assert {reason for _, reason in known.by_ticket} <= set(PLAN)
    assert known.tickets == len(known.by_ticket) or not known.by_ticket
