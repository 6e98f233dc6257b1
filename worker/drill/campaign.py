"""Playing the scenarios, each on a stage of its own, and reporting what they showed."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from worker.config.errors import WorkerError
from worker.drill.report import Row, weigh
from worker.drill.scenarios import SCENARIOS, Scenario
from worker.drill.stage import Stage, tickets

AT_ONCE = 2
"""Most of a scenario is waiting: for leases, parked tickets, workers that start."""

Notice = Callable[[int, str], None]
"""How many scenarios are done, and what is going on now."""


def chosen(names: Sequence[str]) -> list[Scenario]:
    """The scenarios with these names, all without any. Raises `WorkerError` for an unknown name."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise WorkerError(f"there is no scenario {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(SCENARIOS)


async def drill(scenarios: Sequence[Scenario], home: Path, notice: Notice) -> list[Row]:
    """Play them, `AT_ONCE` at a time; the rows come in their order. home: an empty folder for stores and logs."""
    free, done = asyncio.Semaphore(AT_ONCE), 0

    async def play(scenario: Scenario) -> Row:
        nonlocal done
        async with free:
            row = await rehearse(scenario, home, lambda what: notice(done, f"{scenario.name}: {what}"))
        done += 1
        notice(done, f"{scenario.name}: {'kept' if row.kept else 'BROKEN'}")
        return row

    async with asyncio.TaskGroup() as group:
        played = [group.create_task(play(scenario)) for scenario in scenarios]
    return [task.result() for task in played]


async def rehearse(scenario: Scenario, home: Path, notice: Callable[[str], None]) -> Row:
    """Play one scenario on a stage of its own and weigh what is in its ledger afterwards."""
    began = monotonic()
    notice("starting workers")
    async with Stage(scenario.name, home, scenario.settings, scenario.latency) as stage:
        wanted = tickets(scenario.tickets)
        ids = [ticket["id"] for ticket in wanted]
        for fault in scenario.faults_for(ids):
            stage.simulator.fault(**{"name": fault.pop("fault"), **fault})
        stage.receiver.down = scenario.alerts_down
        await stage.workers_up()
        notice(scenario.shows)
        await stage.accept(wanted)
        await scenario.act(stage)
        await stage.at_rest(ids)
        notice("waiting for the alerts")
        await stage.alerts_sent()
        notice("weighing the ledger")
        return await weigh(stage, ids, scenario.expected(ids), monotonic() - began)
