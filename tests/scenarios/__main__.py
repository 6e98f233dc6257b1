"""`make scenarios`: eight nights on call, then a fault for each other alert rule. Prometheus and Alertmanager are real.

`python -m tests.scenarios NAME...` plays some, `... dashboard` asks Grafana's queries after a day, `... rules` stages a
fault for every other alert rule, `... rules NIGHT` those of one deployment. In the rules an hour
passes in a minute: the seconds until somebody was woken are of that clock where a rule waits, and what the rule waits
for in production stands beside them.
"""

import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import yaml

from tests.scenarios.dashboard import drawn_by
from tests.scenarios.nights import played as rules_played
from tests.scenarios.scenarios import SCENARIOS, Scenario
from tests.scenarios.stage import staged
from tests.scenarios.watching import RULES


@dataclass(frozen=True, slots=True)
class Played:
    """woken_seconds: from the fault to the notification. place: of the finding among those of `why`, from 1."""

    name: str
    alert: str
    waits: str
    woken_seconds: float
    place: int
    named_seconds: float
    cause: str
    cure: str
    mended_seconds: float


def play(scenario: Scenario, folder: Path) -> Played:
    """Fault, alert, cause, cure."""
    with staged(folder, scenario.latency) as stage:
        scenario.ready(stage)
        began = monotonic()
        with scenario.fault(stage):
            stage.until(lambda: stage.woken_by(*scenario.alerts), f"one of {scenario.alerts}")
            woken = monotonic()
            stage.until(lambda: scenario.finding in [each["name"] for each in stage.deskhand("why")], scenario.finding)
            named = monotonic()
            found = stage.deskhand("why")
        place = next(place for place, each in enumerate(found, 1) if each["name"] == scenario.finding)
        cure = scenario.mend(stage, found[place - 1])
        stage.until(lambda: scenario.mended(stage), f"{scenario.name}: mended")
        alert = stage.woken_by(*scenario.alerts)
        seconds = (woken - began, named - woken, monotonic() - named)
    cause = found[place - 1]["what"]
    return Played(scenario.name, alert, waits_of(alert), seconds[0], place, seconds[1], cause, cure, seconds[2])


def waits_of(alert: str) -> str:
    """What the rule waits for in production, "at once" for nothing."""
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    return next(str(rule.get("for", "at once")) for rule in rules if rule["alert"] == alert)


def main(names: list[str]) -> int:
    """Play them and print what came of each."""
    if names == ["dashboard"]:
        return _dashboard()
    if names[:1] == ["rules"]:
        return _rules("".join(names[1:]))
    failed = 0
    chosen = [scenario for scenario in SCENARIOS if not names or any(name in scenario.name for name in names)]
    for scenario in chosen:
        with tempfile.TemporaryDirectory(prefix="deskhand-scenario-") as folder:
            try:
                _print(play(scenario, Path(folder)))
            except (AssertionError, RuntimeError) as error:
                failed += 1
                print(f"## {scenario.name}: NOT SHOWN: {error}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} shown")
    return max(bool(failed), 0 if names else _rules())


def _dashboard() -> int:
    with tempfile.TemporaryDirectory(prefix="deskhand-scenario-") as folder:
        asked, empty = drawn_by(Path(folder))
    print(f"{asked - len(empty)} of {asked} queries of the dashboard came to something", *empty, sep="\n  ")
    return 1 if empty else 0


def _rules(night: str = "") -> int:
    missed = 0
    with tempfile.TemporaryDirectory(prefix="deskhand-scenario-") as folder:
        for woken in rules_played(Path(folder), night):
            missed += woken.seconds is None
            said = "NOT SHOWN" if woken.seconds is None else f"after {woken.seconds:.0f} s"
            print(f"{woken.rule:30} {woken.night:30} {said}", flush=True)
    return 1 if missed else 0


def _print(played: Played) -> None:
    print(
        f"## {played.name}",
        f"woken by {played.alert} after {played.woken_seconds:.0f} s (the rule's own wait: {played.waits})",
        f"`deskhand why` names it in place {played.place}, {played.named_seconds:.0f} s later: {played.cause}",
        f"mended after {played.mended_seconds:.0f} s by: {played.cure}",
        sep="\n  ",
        flush=True,
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # what was started is ended, too
    sys.exit(main(sys.argv[1:]))
