"""What the local model learned may hold words of what was erased: a mark stands until none of it is left."""

from fallbacks.store import keys
from fallbacks.store.port import Store


async def marks(store: Store) -> dict[str, int]:
    """Receipts after which nothing has learned anew -> when (ms of the store)."""
    return {receipt: int(at) for receipt, at in (await store.fields(keys.RELEARN)).items()}


async def cleared(store: Store, until_ms: int) -> int:
    """Take out the marks up to a time; how many there were."""
    past = [receipt for receipt, at in (await marks(store)).items() if at <= until_ms]
    if past:
        await store.put(keys.RELEARN, dict.fromkeys(past))
    return len(past)
