"""After a day on which everything happens once, each query of the Grafana dashboard has something to draw."""

import json
from pathlib import Path

from tests.scenarios.faults import judge
from tests.scenarios.stage import ROOT, Stage, staged

DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "deskhand.json"

TRIED = 8


def queries() -> list[str]:
    """As the dashboard asks them."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def a_full_day(stage: Stage) -> None:
    """Tickets that are suggested, handed off, retried and decided; calls that fail; outcomes that leave."""
    stage.work("w1")
    stage.model.fault("529", times=TRIED)
    stage.model.fault("prompt_too_long", times=TRIED)
    stage.a_day_passes(15)
    judge(stage, 1, agrees=True)
    stage.until(lambda: stage.prometheus.query("deskhand_human_decisions_total"), "a scrape that has seen the first")
    judge(stage, 2, agrees=True)


def drawn_by(folder: Path) -> tuple[int, list[str]]:
    """(queries of the dashboard, those that came to nothing)."""
    with staged(folder) as stage:
        a_full_day(stage)
        decided = "rate(deskhand_human_decisions_total[5m]) > 0"
        stage.until(lambda: stage.prometheus.query(decided), "a scrape that has seen the last decision")
        asked = queries()
        return len(asked), [query for query in asked if not stage.prometheus.query(query)]
