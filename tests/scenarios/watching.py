"""Prometheus and Alertmanager for real, with the rules of docker/prometheus in which an hour passes in a minute."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.services.http_sink import HttpSink
from tests.services.process import ServerProcess, program

RULES = Path(__file__).parents[2] / "docker" / "prometheus" / "rules.yml"

TIMES_AS_FAST = 60

OTHERS = {"DeskhandAgreementDropped": 600, "DeskhandAlertsFail": 10}
"""How much faster these rules are: one waits for hours, the other for tries that are a quarter of a minute apart."""

SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def shortened(rules: dict[str, Any]) -> dict[str, Any]:
    """The same rules with every time a fraction: windows, offsets, waits, and the ages that they compare with."""
    for group in rules["groups"]:
        group["rules"] = [shortened_rule(rule, OTHERS.get(rule["alert"], TIMES_AS_FAST)) for rule in group["rules"]]
    return rules


def shortened_rule(rule: dict[str, Any], times: float, *, ages: bool = True) -> dict[str, Any]:
    """One of them. ages: whether what it measures passes as fast as what it waits for."""
    waits = {"for": _short(rule["for"], times)} if "for" in rule else {}
    return {**rule, **waits, "expr": _expression(rule["expr"], times, ages)}


def _expression(text: str, times: float, ages: bool) -> str:
    short = re.sub(r"(\[|offset )(\d+[mhd])", lambda found: found[1] + _short(found[2], times), text)
    if not ages or "_seconds" not in short:
        return short
    return re.sub(r"([<>]) (\d{2,})\b", lambda found: f"{found[1]} {int(found[2]) / times:g}", short)


def _short(duration: str, times: float) -> str:
    return f"{round(int(duration[:-1]) * SECONDS[duration[-1]] * 1000 / times)}ms"


class Prometheus(ServerProcess):
    """Scrapes these web processes each second, by these rules; the targets may come later, too."""

    def __init__(
        self,
        folder: Path,
        targets: Sequence[Mapping[str, Any]],
        alertmanager: str,
        rules: dict[str, Any] | None = None,
        interval: str = "1s",
    ) -> None:
        super().__init__(folder)
        self.alertmanager = alertmanager
        self.rules = rules or shortened(yaml.safe_load(RULES.read_text()))
        self.interval = interval
        self.watch(targets)

    def watch(self, targets: Sequence[Mapping[str, Any]]) -> None:
        """From the next second on these are scraped: addresses, and what labels they have."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "targets.new"
        fresh.write_text(json.dumps(list(targets)))
        fresh.replace(self.folder / "targets.json")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        (self.folder / "rules.yml").write_text(json.dumps(self.rules))
        found = {"files": ["targets.json"], "refresh_interval": "1s"}
        config = {
            "global": {
                "scrape_interval": self.interval,
                "scrape_timeout": self.interval,
                "evaluation_interval": self.interval,
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "deskhand", "file_sd_configs": [found]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.alertmanager]}]}]},
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        return [
            program("prometheus", package="prometheus"),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def is_ready(self) -> bool:
        return _answers(f"{self.url}/-/ready")

    def query(self, expression: str) -> list[Any]:
        """What the expression comes to now."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}).raise_for_status().json()
        found: list[Any] = answer["data"]["result"]
        return found


class Alertmanager(ServerProcess):
    """Posts to a receiver at once."""

    def __init__(self, folder: Path, receiver: HttpSink) -> None:
        super().__init__(folder)
        self.receiver = receiver

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        route = {"receiver": "on-call", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
        config = {
            "route": route,
            "receivers": [{"name": "on-call", "webhook_configs": [{"url": self.receiver.url}]}],
        }
        (self.folder / "alertmanager.yml").write_text(json.dumps(config))
        return [
            program("alertmanager", "prometheus-alertmanager", package="prometheus-alertmanager"),
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]

    def is_ready(self) -> bool:
        return _answers(f"{self.url}/-/ready")


def notified(receiver: HttpSink, night: str = "") -> list[str]:
    """The names of the alerts that somebody has been woken by, in order. night: of the deployment they are about."""
    labels = [alert["labels"] for alert in notifications(receiver)]
    return [each["alertname"] for each in labels if each.get("night", "") == night]


def notifications(receiver: HttpSink) -> list[dict[str, Any]]:
    """The alerts that somebody has been woken by, in order, as Alertmanager posts them."""
    posted = [received.json() for received in list(receiver.received)]
    return [alert for each in posted for alert in each["alerts"] if alert["status"] == "firing"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
