"""Messages to the workers. A message is only a hint: failing to send one delays a ticket and loses nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from worker.cli.faults import lines_of
from worker.cli.output import complain

if TYPE_CHECKING:
    from worker.wiring import Parts


async def hint(parts: "Parts", ticket_ids: Sequence[str]) -> bool:
    """Publish tickets for triage. Where the broker cannot be reached, say so: the workers' sweep finds them."""
    try:
        await parts.publisher.publish([("triage", ticket_id) for ticket_id in ticket_ids])
    except Exception as error:
        lines = lines_of(error)
        if lines is None:
            raise
        complain(f"warning: {lines[0]}; the tickets are stored, and the workers will find them by themselves")
        return False
    return True
