"""With DESKHAND_REDACT=model a remote model sees no personal data, and people still see the ticket's own words."""

from tasks.run.agent import Agent
from tasks.run.messages import ModelReply, ModelRequest
from tasks.run.ports import Model
from tasks.run.reading import Reader
from tasks.safety.redact import redact
from tasks.ticket import Ticket
from tasks.triage.prompt import opening
from tests.fakes.desk import TRIAGE
from tests.worker.work.conftest import office  # noqa: F401 # the fixture is used by its name
from tests.worker.work.office import Office, Serve
from worker.models.redaction import RedactedModel
from worker.models.tier import Tier

SECRETS = ("jane.roe@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00")
BODY = f"My new card has not arrived after two weeks. {' and '.join(SECRETS)} are mine."


class Wire:
    """A model that remembers all it was sent."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.name, self.worst_case, self.cost = model.name, model.worst_case, model.cost
        self.sent: list[str] = []

    async def call(self, request: ModelRequest) -> ModelReply:
        self.sent.append(f"{request.ticket!r} {request.messages!r}")
        return await self.model.call(request)


def test_the_api_is_sent_no_personal_data_and_the_evidence_is_the_tickets(office: Serve) -> None:  # noqa: F811
    async def work(o: Office) -> None:
        await o.accept(body=BODY)
        wire = Wire(o.small)
        view = await o.rest(o.executor(Tier(RedactedModel(wire), 0.0, redacted=True)))
        assert view.decision is not None, view
        assert len(wire.sent) == view.steps > 0
        assert all("has not arrived" in sent for sent in wire.sent)
        assert not any(secret in sent for secret in SECRETS for sent in wire.sent)
        assert all(quote in BODY for quote in view.decision["evidence"])
        await o.balanced()

    office(work)


def test_the_reader_holds_quotes_against_what_was_shown() -> None:
    ticket = Ticket(source="s", subject="Card", body=BODY)
    reader = Reader(Agent(TRIAGE, {}), ticket, "m", 0.5, redact(ticket.text))
    assert reader.shown is not None
    shown = redact(opening(ticket, ""))
    assert all(line in shown for line in reader.shown.split("\n") if line)
