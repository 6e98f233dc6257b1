"""Books with something of everything in them."""

from tasks.reasons import Reason
from tests.fallbacks.scene import Scene


async def fill(s: Scene) -> None:
    """One ticket or more in every state, money spent and reserved, effects, holds, alerts and messages."""
    for n in range(5):
        await s.accept(f"queued{n}")
    for n in range(3):
        lease = await s.running(f"running{n}", "w1")
        await s.begin(lease, 100 + n)
    lease = await s.running("effects")
    for key in ("k1", "k2"):
        await s.ledger.begin_effect(lease, key, "refund", (), key_honoured=True)
    await s.ledger.end_effect(lease, "k1", "done")
    for n in range(3):
        lease = await s.running(f"paid{n}")
        await s.begin(lease, 100)
        await s.end(lease, 10 + n)
        await s.ledger.park(lease, (), Reason.MODEL_OVERLOADED, await s.store.now_ms() + 60_000)
    await s.suggested("suggested")
    await s.handed_off("handed_off")
    await s.handed_off("handed_off2", Reason.LOOP_DETECTED)
    await s.ledger.reject("rejected", "cmF3", "no subject", "intake")
    await s.inbox.approve("decided", "ann", await s.suggested("decided"))
    await s.inbox.cancel(await s.accept("cancelled"), "ann")
    lease = await s.running("unsure")
    await s.ledger.begin_effect(lease, "k", "refund", (), key_honoured=False)
    await s.begin(lease, 50)
    await s.inbox.cancel("unsure", "ann")
