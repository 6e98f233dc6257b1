"""An inbox that people leave waiting past its SLA is told of once, by the same alerts as failures, with a link."""

from dataclasses import dataclass, field

from fallbacks.delivery.alerts import ESCALATE_AGAIN_MS, Alert, AlertDesk, Escalation
from fallbacks.ledger.sums.audit import audit
from tasks.reasons import Reason
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene

DAY = 86_400_000


@dataclass
class Sink:
    name: str = "sink"
    alerts: list[Alert] = field(default_factory=list)

    async def send(self, alert: Alert) -> None:
        self.alerts.append(alert)


async def late(s: Scene, *ticket_ids: str) -> tuple[AlertDesk, Sink]:
    sink = Sink()
    desk = AlertDesk(s.store, (sink,), 60, "https://desk.example/")
    for ticket_id in ticket_ids:
        await s.hand_off(await s.running(ticket_id), Reason.LOOP_DETECTED)
    await s.pass_ms(5_000)
    await desk.send_due()
    assert await desk.escalate() == 0
    await s.pass_ms(DAY)
    return desk, sink


async def told(s: Scene, desk: AlertDesk) -> int:
    """Alerts sent by five rounds, an hour in all."""
    sent = 0
    for _ in range(5):
        await desk.escalate()
        await s.pass_ms(720_000)
        sent += len(await desk.send_due())
    return sent


def test_late_items_are_told_of_once_with_the_oldest_and_a_count(play: Play) -> None:
    async def story(s: Scene) -> None:
        desk, sink = await late(s, "t1", "t2")
        assert await told(s, desk) == 1
        alert = sink.alerts[-1]
        assert (alert.reason, alert.count, alert.tickets) == (Escalation.OLDEST_WAITING, 2, ("t1",))
        assert alert.link == "https://desk.example/inbox"
        assert "2 tickets" in alert.title
        assert "oldest" in alert.advice

    play(story)


def test_they_are_told_of_again_only_while_it_lasts(play: Play) -> None:
    async def story(s: Scene) -> None:
        desk, _ = await late(s, "t1")
        assert await told(s, desk) == 1
        await s.pass_ms(ESCALATE_AGAIN_MS)
        assert await told(s, desk) == 1
        await s.inbox.cancel("t1", "ann")
        await s.pass_ms(ESCALATE_AGAIN_MS)
        assert await told(s, desk) == 0

    play(story)


def test_the_next_breach_is_told_of_at_once(play: Play) -> None:
    async def story(s: Scene) -> None:
        desk, _ = await late(s, "t1")
        assert await told(s, desk) == 1
        await s.inbox.cancel("t1", "ann")
        assert await told(s, desk) == 0
        await s.hand_off(await s.running("t2"), Reason.LOOP_DETECTED)
        await s.pass_ms(5_000)
        await desk.send_due()
        await s.pass_ms(DAY)
        assert await told(s, desk) == 1

    play(story)


def test_an_alert_of_one_ticket_links_to_it_and_one_of_many_to_their_group(play: Play) -> None:
    async def story(s: Scene) -> None:
        _, sink = await late(s, "t1")
        assert sink.alerts[0].link == "https://desk.example/tickets/t1"
        for ticket_id in ("t1", "t2", "t3"):
            await s.hand_off(await s.running(f"more-{ticket_id}"), Reason.STEP_LIMIT)
        await s.pass_ms(5_000)
        await AlertDesk(s.store, (sink,), 60, "https://desk.example").send_due()
        assert sink.alerts[-1].link == "https://desk.example/groups/step_limit"

    play(story)


def test_escalations_leave_the_audit_of_hand_offs_balanced(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        desk, _ = await late(s, "t1")
        await told(s, desk)
        assert (await s.store.fields("n"))["escalations"] == "1"
        assert (await audit(s.store)).problems == ()

    play_for_real(story)
