"""Sending work back to the agent: hints to the queue, which may be lost without harm."""

import logging
from collections.abc import Sequence

from fallbacks.console.deps import ConsoleDeps
from fallbacks.ledger.states import HintKind

log = logging.getLogger(__name__)


async def publish_quietly(deps: ConsoleDeps, ticket_ids: Sequence[str]) -> None:
    """Let the workers know. A broker that is away costs time only: the sweep publishes what is due."""
    if not ticket_ids:
        return
    try:
        await deps.publish([(HintKind.TRIAGE, ticket_id) for ticket_id in ticket_ids])
    except Exception:
        log.warning("could not publish %d resumed tickets; the sweep will", len(ticket_ids), exc_info=True)
