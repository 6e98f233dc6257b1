"""What may be given as a ticket, and what is refused before it is sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks.ticket import Requester as ServerRequester
from tasks.ticket import Ticket as ServerTicket
from worker.client import NotATicket, Requester, Ticket
from worker.clients.tickets import checked, fields_of

TICKET = {"source": "shop", "subject": "", "body": "My card has not arrived"}


def test_a_ticket_has_the_fields_that_the_server_reads() -> None:
    assert list(Ticket.__annotations__) == list(ServerTicket.model_fields)
    assert list(Requester.__annotations__) == list(ServerRequester.model_fields)
    assert Ticket.__required_keys__ == {
        name for name, field in ServerTicket.model_fields.items() if field.is_required()
    }


def test_a_pydantic_model_is_sent_as_its_fields() -> None:
    assert fields_of(ServerTicket.model_validate(TICKET)) == {**TICKET, "metadata": {}, "attachments": []}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"source": None}, "/source"),
        ({"subject": 1}, "/subject"),
        ({"urgent": True}, "/urgent"),
        ({"body": " "}, ""),
        ({"received_at": datetime.now(UTC)}, ""),
        ({"metadata": {"share": float("nan")}}, ""),
    ],
)
def test_what_no_worker_could_read_is_refused_with_its_place(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(NotATicket) as refused:
        checked({**TICKET, **change})
    assert [where for where, _ in refused.value.errors] == [pointer]


def test_a_ticket_is_passed_as_it_is() -> None:
    assert checked(TICKET) == TICKET
