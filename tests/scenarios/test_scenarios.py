"""The nights on call name alerts and findings that there are, and their rules are the real ones, only faster."""

import json
import subprocess
from pathlib import Path

import yaml

from tests.fallbacks.operations.test_unusual import CASES
from tests.scenarios.dashboard import queries
from tests.scenarios.nights import NIGHTS
from tests.scenarios.scenarios import SCENARIOS
from tests.scenarios.watching import RULES, shortened
from tests.services.process import program


def test_every_scenario_names_a_rule_and_a_finding() -> None:
    rules = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    assert {alert for scenario in SCENARIOS for alert in scenario.alerts} <= rules
    assert {scenario.finding for scenario in SCENARIOS} <= {*CASES, "deploy"}


def test_every_rule_has_a_fault_that_is_staged() -> None:
    rules = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    of_nights = [rule for night in NIGHTS.values() for act in night.acts for rule in act.rules]
    assert len(of_nights) == len(set(of_nights))
    assert {*of_nights, *(alert for scenario in SCENARIOS for alert in scenario.alerts)} == rules


def test_the_faster_rules_are_rules(tmp_path: Path) -> None:
    fast = shortened(yaml.safe_load(RULES.read_text()))
    (tmp_path / "rules.yml").write_text(json.dumps(fast))
    checked = subprocess.run(
        [program("promtool", package="prometheus"), "check", "rules", tmp_path / "rules.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    by_name = {rule["alert"]: rule for group in fast["groups"] for rule in group["rules"]}
    assert by_name["DeskhandInboxOld"]["expr"].endswith("> 240")
    assert by_name["DeskhandInboxOld"]["for"] == "15000ms"
    assert "[1440000ms] offset 15000ms" in by_name["DeskhandCostDoubled"]["expr"]
    assert "> 100" in by_name["DeskhandRequesterFloods"]["expr"]


def test_the_dashboard_asks_something() -> None:
    assert len(queries()) > 30
