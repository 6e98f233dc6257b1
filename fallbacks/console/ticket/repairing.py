"""The repair form: what a person made of a message that could not be read, as a ticket."""

from pydantic import ValidationError

from fallbacks.inbox.faults import in_words
from tasks.language import _
from tasks.ticket import Ticket

MOST_FAULTS = 5


def repaired_ticket(text: str, source: str, subject: str) -> Ticket:
    """JSON as it stands; any other text becomes the body of a ticket from `source`. Raises `ValueError` in words."""
    try:
        if text.lstrip()[:1] in ("{", "["):
            return Ticket.model_validate_json(text)
        return Ticket(source=source, subject=subject, body=text.replace("\r\n", "\n").strip())
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
        raise ValueError(_("It is not a ticket yet. %(faults)s", faults=in_words(faults, "ticket"))) from None
