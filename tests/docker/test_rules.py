"""Every alert rule, by promtool: it fires when it should, once however many replicas are scraped, and else is quiet."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fallbacks.ledger.states import State
from fallbacks.ledger.sums.meters import field
from fallbacks.ledger.views import Stats
from fallbacks.operations.breakers import Breaker
from fallbacks.operations.fleet import Worker
from fallbacks.operations.senders import Sender, Senders
from fallbacks.operations.source_budgets import SourceBudget
from tests.docker.alert_cases import CASES, LONG, Series
from tests.docker.composed import FOLDER
from tests.services.process import program
from worker.http.operations.load import Load
from worker.http.operations.metrics import LedgerCollector
from worker.http.operations.operated import Operated
from worker.ops.redis_facts import StoreFacts

FILE = FOLDER / "prometheus" / "rules.yml"
RUNBOOK = (FOLDER / "RUNBOOK").with_suffix(".md")
RULES = {rule["alert"]: rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]}

SCRAPES: Mapping[str, tuple[dict[str, str], ...]] = {
    "compose": ({"job": "deskhand", "instance": "web:8080"},),
    "two replicas": tuple(
        {
            "job": "deskhand",
            "namespace": "deskhand",
            "service": "web",
            "instance": f"10.0.0.{n}:8080",
            "pod": f"web-{n}",
        }
        for n in (1, 2)
    ),
}
"""The labels that a scrape adds, by replica."""

OF_ONE_REPLICA = ("instance", "pod")


def test_every_rule_is_tried_and_has_a_section_of_the_runbook() -> None:
    assert list(CASES) == list(RULES)
    sections = re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sections == list(RULES)
    for name, rule in RULES.items():
        assert rule["annotations"]["runbook_url"] == f"docker/RUNBOOK.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("error", "warning")


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_when_it_should_and_else_is_quiet(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    tests = []
    for scraped, replicas in SCRAPES.items():
        common = {key: value for key, value in replicas[0].items() if key not in OF_ONE_REPLICA}
        labels = {"severity": RULES[name]["labels"]["severity"], **common, **case.labels}
        tests.append(_played(f"fires: {scraped}", name, case.fires, replicas, labels, case.minutes))
        tests += [_played(f"quiet: {scraped}", name, each, replicas, None, case.minutes) for each in case.quiet]
    _hold(tests, name, tmp_path)


def test_no_scrape_at_all_is_as_bad_as_no_answer(tmp_path: Path) -> None:
    labels = {"job": "deskhand", "severity": "error"}
    _hold([_played("absent", "DeskhandUnscraped", {}, (), labels)], "DeskhandUnscraped", tmp_path)


def test_cases_name_series_with_the_labels_of_a_real_scrape() -> None:
    real: set[tuple[str, frozenset[str]]] = {
        (sample.name, frozenset(sample.labels)) for metric in _everything().collect() for sample in metric.samples
    } | {("up", frozenset())}
    tried = {
        (series.partition("{")[0], frozenset(re.findall(r"(\w+)=", series)))
        for case in CASES.values()
        for played in (case.fires, *case.quiet)
        for series in played
    }
    assert tried - real == set()


def test_every_query_asks_for_one_replica() -> None:
    dashboard = json.loads((FOLDER / "grafana" / "dashboards" / "deskhand.json").read_text())
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    once = re.compile(r"(max|min) without \(instance, pod\)\s*\(((rate|increase|max_over_time)\()?(deskhand_\w+|up)\b")
    for expression in [*drawn, *(rule["expr"] for rule in RULES.values())]:
        named = re.findall(r"\b(?:deskhand_\w+|up\{)", expression)
        assert len(named) == len(once.findall(expression)) + expression.count("absent("), expression


def _hold(tests: list[dict[str, Any]], rule: str, folder: Path) -> None:
    """Run promtool over one rule: of all of them it would take ten times as long."""
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "one", "rules": [RULES[rule]]}]}))
    file = folder / "test.yml"
    file.write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}))
    ran = subprocess.run(
        [program("promtool", package="prometheus"), "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _played(
    what: str,
    rule: str,
    series: Series,
    replicas: tuple[dict[str, str], ...],
    labels: dict[str, str] | None,
    minutes: int = LONG,
) -> dict[str, Any]:
    """A test of promtool. labels: of the one alert that fires; None for none."""
    alert = {"__name__": "ALERTS", "alertname": rule, "alertstate": "firing", **(labels or {})}
    return {
        "name": what,
        "interval": "1m",
        "input_series": [
            {"series": _labelled(name, added), "values": values}
            for name, values in series.items()
            for added in replicas
        ],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{rule}",alertstate="firing"}}',
                "eval_time": f"{minutes}m",
                "exp_samples": [] if labels is None else [{"labels": _labelled("", alert), "value": 1}],
            }
        ],
    }


def _labelled(name: str, added: Mapping[str, str]) -> str:
    metric, _, own = name.partition("{")
    labels = [f"{key}={json.dumps(value)}" for key, value in added.items()]
    return f"{metric}{{{','.join([*([own.removesuffix('}')] if own else []), *labels])}}}"


def _everything() -> LedgerCollector:
    """A scrape of a deployment in which each kind of thing has happened once."""
    stats = Stats(
        ended_here=1,
        states=dict.fromkeys(State, 1),
        oldest_seconds=dict.fromkeys(State, 1.0),
        inbox={"suggestion": 1, "model_unavailable": 1},
        slots=1,
        workers=[{"slots": 1, "queues": ["tickets"]}],
        spent_nanodollars=1,
        reserved_nanodollars=1,
        outbox=1,
        alerts=1,
        counters={"outbox_redelivered": 1},
        meters={
            field("llm_requests", model="m", outcome="ok"): 1,
            field("llm_cost_nanodollars", model="m"): 1,
            field("runs", outcome="handed_off", reason="tool_failed"): 1,
            field("tool_seconds", tool="t", le="1"): 1,
        },
        control={"paused:tickets": "1"},
        now_ms=1,
    )
    load = Load(stats, {"tickets": 1, "intake": 1}, {"alerts": 1.0, "outcomes": 1.0}, 1)
    info: dict[str, Any] = {"connected_slaves": 1, "aof_rewrite_in_progress": 1}
    info |= {"used_memory": 1, "maxmemory": 1, "connected_clients": 1, "maxclients": 1, "aof_enabled": 1}
    info |= {"disk_free_bytes": 1, "disk_bytes": 2}
    info["slave0"] = {"offset": 1}
    found = Operated(
        fleet=(Worker("w", ("tickets",), 1, 0, False, 0.0, False, history_room=(1, 2)),),
        breakers=(Breaker("m", "open", "model_auth", 1, 1),),
        senders=Senders(1, 1.0, (Sender("s", "w", 1, 1.0),), ()),
        day_cap=1,
        deployed_ms={"code": 1},
        history_answers=True,
        budgets=(SourceBudget("s", "day", 1, 1, 0, near=True, at_run_time=False),),
    )
    return LedgerCollector(load, found, StoreFacts(info, "everysec", 0.0, 1.0), ("search_knowledge_base",))
