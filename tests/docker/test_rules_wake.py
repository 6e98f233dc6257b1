"""Every alert rule from a scrape to the receiver, by a real Prometheus and Alertmanager, its time played fast.

`make scenarios` does the same with the faults themselves, at a real deployment.
"""

from pathlib import Path

import pytest
import yaml

from tests.docker.alert_cases import CASES
from tests.docker.played import Target, at_minute, times_as_fast
from tests.docker.test_rules import RULES
from tests.scenarios.watching import RULES as FILE
from tests.scenarios.watching import Alertmanager, Prometheus, notifications, shortened_rule
from tests.services.http_sink import HttpSink
from tests.services.waiting import wait_for

DOWN = "DeskhandUnscraped"
"""The one rule that asks for no metric of ours."""


def test_every_rule_wakes_somebody_and_says_where_to_read_on(tmp_path: Path) -> None:
    groups = yaml.safe_load(FILE.read_text())["groups"]
    for group in groups:
        group["rules"] = [
            shortened_rule(rule, times_as_fast(CASES[rule["alert"]]), ages=False) for rule in group["rules"]
        ]
    due = {(name, name, rule["labels"]["severity"]) for name, rule in RULES.items()}
    with HttpSink() as woken, Target() as target, Alertmanager(tmp_path / "alertmanager", woken) as manager:
        away = {"targets": [target.address], "labels": {"case": DOWN, "__metrics_path__": "/away"}}
        targets, where = [{"targets": [target.address]}, away], manager.url.removeprefix("http://")
        with Prometheus(tmp_path / "prometheus", targets, where, {"groups": groups}, "100ms"):
            wait_for(lambda: due <= _came(woken), 240, message="every rule at the receiver", interval=0.2)
        links = {alert["annotations"]["runbook_url"] for alert in notifications(woken)}
    assert links == {rule["annotations"]["runbook_url"] for rule in RULES.values()}


def _came(woken: HttpSink) -> set[tuple[str, str, str]]:
    """(rule, the case whose series it was, severity)."""
    labels = [alert["labels"] for alert in notifications(woken)]
    return {(each["alertname"], each.get("case", ""), each["severity"]) for each in labels}


@pytest.mark.parametrize(
    ("notation", "minute", "value"),
    [("5x3", 90, 5), ("0+2x10", 3, 6), ("_x60 1x30", 59, None), ("_x60 1x30", 60, 1), ("0x80 1x10", 80.5, 0)],
)
def test_a_series_is_read_as_promtool_writes_it(notation: str, minute: float, value: float | None) -> None:
    assert at_minute(notation, minute) == value
