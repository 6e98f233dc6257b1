"""Alerts reach every sink once, whatever one of them does."""

from dataclasses import dataclass, field

from fallbacks.delivery.alerts import RETRY_MS, Alert, AlertDesk
from fallbacks.ledger.sums.audit import audit
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene


@dataclass
class Sink:
    name: str
    down: bool = False
    got: list[str] = field(default_factory=list)

    async def send(self, alert: Alert) -> None:
        if self.down:
            raise OSError("down")
        self.got.append(alert.id)


def test_a_sink_that_is_down_does_not_make_the_others_hear_an_alert_twice(play: Play) -> None:
    well, down = Sink("well"), Sink("down", down=True)

    async def story(s: Scene) -> None:
        await s.handed_off()
        for _ in range(3):
            await s.pass_ms(RETRY_MS + 1)
            desk = AlertDesk(s.store, (well, down), 60)  # the next try may be another worker's
            ((_, failures),) = await desk.send_due()
            assert failures.keys() == {"down"}
        assert well.got == ["step_limit-1"]
        down.down = False
        await s.pass_ms(RETRY_MS + 1)
        await desk.send_due()
        assert (well.got, down.got) == (["step_limit-1"], ["step_limit-1"])
        await s.handed_off("t2")
        await s.pass_ms(100_000)
        await desk.send_due()
        assert (len(well.got), len(down.got)) == (2, 2)

    play(story)


def test_the_ledger_balances_while_a_sink_is_down(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await s.handed_off()
        await s.pass_ms(RETRY_MS)
        await AlertDesk(s.store, (Sink("down", down=True),), 60).send_due()
        assert (await audit(s.store)).balanced

    play_for_real(story)
