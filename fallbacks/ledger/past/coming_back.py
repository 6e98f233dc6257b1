"""Coming back: a ticket in history is put into the store again, to be corrected or added to."""

import json
from collections.abc import Sequence

from fallbacks.history.port import EndedTicket
from fallbacks.ledger.past.leaving import OUT
from fallbacks.store.port import Store
from tasks.conversation import read_message
from tasks.run.events import MessageAdded, read_event


async def brought_back(store: Store, found: EndedTicket) -> int | None:
    """Put a ticket into the store again; its version then. None where it is there already.

    It leaves again when all is sent and nothing can be undone: its later version then takes this one's place.
    """
    sent = {name.removeprefix(OUT): json.loads(kept) for name, kept in found.beside.items() if name.startswith(OUT)}
    beside = {name: kept for name, kept in found.beside.items() if not name.startswith(OUT)}
    parts = (dict(found.row), dict(found.effects), beside, message_digests(found.journal), sent)
    stored = (json.dumps(part, ensure_ascii=False) for part in parts)
    version = await store.run("bring_back", found.id, *stored, *found.journal)
    return int(version) if version else None


def message_digests(journal: Sequence[str]) -> dict[str, str]:
    """Of the messages that a journal has, by id: what makes adding one again no second one."""
    events = (read_event(stored).event for stored in journal if '"type":"message_added"' in stored)
    messages = [read_message(event.message) for event in events if isinstance(event, MessageAdded)]
    return {message.id or "": message.digest() for message in messages}
