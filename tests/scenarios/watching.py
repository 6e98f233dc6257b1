"""Prometheus and Alertmanager for real, with the rules of docker/prometheus in which an hour passes in a minute."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.services.http_sink import HttpSink
from tests.services.process import ServerProcess, program

RULES = Path(__file__).parents[2] / "docker" / "prometheus" / "rules.yml"

TIMES_AS_FAST = 60

SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def shortened(rules: dict[str, Any]) -> dict[str, Any]:
    """The same rules with every time a sixtieth: windows, offsets, waits, and the ages that they compare with."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = _expression(rule["expr"])
            if "for" in rule:
                rule["for"] = _short(rule["for"])
    return rules


def _expression(text: str) -> str:
    short = re.sub(r"(\[|offset )(\d+[mhd])", lambda found: found[1] + _short(found[2]), text)
    if "_seconds" not in short:
        return short
    return re.sub(r"([<>]) (\d{2,})\b", lambda found: f"{found[1]} {int(found[2]) / TIMES_AS_FAST:g}", short)


def _short(duration: str) -> str:
    seconds = int(duration[:-1]) * SECONDS[duration[-1]] / TIMES_AS_FAST
    return f"{max(1, round(seconds))}s"


class Prometheus(ServerProcess):
    """Scrapes these web processes each second."""

    def __init__(self, folder: Path, targets: Sequence[str], alertmanager: str, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.targets = list(targets)
        self.alertmanager = alertmanager

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        (self.folder / "rules.yml").write_text(json.dumps(shortened(yaml.safe_load(RULES.read_text()))))
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "deskhand", "static_configs": [{"targets": self.targets}]}],
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


def notified(receiver: HttpSink) -> list[str]:
    """The alerts that somebody has been woken by, in order."""
    posted = [received.json() for received in list(receiver.received)]
    return [alert["labels"]["alertname"] for each in posted for alert in each["alerts"] if alert["status"] == "firing"]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
