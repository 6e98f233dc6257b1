"""A process that cannot write to the store says so past it, and ends where a new one may do better."""

import asyncio
from dataclasses import dataclass, field

from fallbacks.delivery.alerts import Alert, Escalation
from fallbacks.errors import StoreUnreachable
from worker.work.outage import LEAST_END_SECONDS, Outage

FAULT = StoreUnreachable("ReadOnlyError: a replica")


@dataclass
class Sink:
    name = "sink"
    fails: bool = False
    heard: list[Alert] = field(default_factory=list)

    async def send(self, alert: Alert) -> None:
        self.heard.append(alert)
        if self.fails:
            raise OSError("away, too")


def silent_for(outage: Outage, seconds: float) -> None:
    outage.well_at -= seconds


def test_one_alert_an_outage_past_the_store_to_every_sink() -> None:
    deaf, sink, ends = Sink(fails=True), Sink(), list[str]()
    outage = Outage("worker w1", (deaf, sink), 5.0, ends.append)

    async def story() -> None:
        await outage.goes_on(FAULT)
        assert sink.heard == []
        silent_for(outage, 11)
        await outage.goes_on(FAULT)
        await outage.goes_on(FAULT)
        assert (len(deaf.heard), len(sink.heard)) == (1, 1)
        assert sink.heard[0].reason is Escalation.STORE_AWAY
        assert "worker w1 has not written to the store for 11 s" in sink.heard[0].title
        outage.over()
        silent_for(outage, 11)
        await outage.goes_on(FAULT)
        assert len(sink.heard) == 2

    asyncio.run(story())
    assert ends == []


def test_a_process_that_may_end_ends_once_with_its_reason() -> None:
    ends = list[str]()
    outage = Outage("worker w1", (), 5.0, ends.append)

    async def story() -> None:
        silent_for(outage, LEAST_END_SECONDS + 1)
        await outage.goes_on(FAULT)
        await outage.goes_on(FAULT)

    asyncio.run(story())
    assert ends == ["the store took no write for 301 s: StoreUnreachable: ReadOnlyError: a replica"]


def test_a_process_that_must_stay_goes_on_trying() -> None:
    outage = Outage("web", (), 5.0)
    silent_for(outage, 10_000)
    asyncio.run(outage.goes_on(FAULT))
    assert outage.alerted
