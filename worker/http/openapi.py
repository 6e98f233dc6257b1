"""The served OpenAPI 3.1 document: what the routes say, the bodies they read themselves, and who may call."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tasks.conversation import Message
from tasks.run.process import Process
from tasks.ticket import Ticket
from worker.http.inbox import bodies
from worker.http.inbox.calls import CallBody, EditCallBody, RejectCallBody
from worker.http.problems import ProblemDocument
from worker.http.tickets.batch import MOST_ITEMS, NDJSON, ResultDocument
from worker.http.tickets.erase import EraseBody

DESCRIPTION = """Put tickets on the queue, learn what became of them, and do what waits for a person.

Errors are RFC 9457 problems; `type` never changes. Every answer carries `X-Request-Id`. Sending a ticket again under
the same `id` or `Idempotency-Key` is always safe."""

BODIES: dict[str, tuple[type[BaseModel], bool]] = {
    "/v1/tickets": (Ticket, True),
    "/v1/tickets/{ticket_id}/messages": (Message, True),
    "/v1/erase": (EraseBody, True),
    "/v1/inbox/{ticket_id}/claim": (bodies.MaybeVersioned, False),
    "/v1/inbox/{ticket_id}/release": (bodies.MaybeVersioned, False),
    "/v1/inbox/{ticket_id}/approve": (bodies.Versioned, True),
    "/v1/inbox/{ticket_id}/reject": (bodies.RejectBody, True),
    "/v1/inbox/{ticket_id}/approve-call": (CallBody, True),
    "/v1/inbox/{ticket_id}/edit-call": (EditCallBody, True),
    "/v1/inbox/{ticket_id}/reject-call": (RejectCallBody, True),
    "/v1/inbox/{ticket_id}/close": (bodies.CloseBody, True),
    "/v1/inbox/{ticket_id}/repair": (bodies.RepairBody, True),
    "/v1/inbox/{ticket_id}/resume": (bodies.ResumeBody, True),
    "/v1/inbox/{ticket_id}/snooze": (bodies.SnoozeBody, True),
    "/v1/inbox/{ticket_id}/assign": (bodies.AssignBody, True),
    "/v1/inbox/{ticket_id}/note": (bodies.NoteBody, True),
    "/v1/inbox/{ticket_id}/undo": (bodies.Versioned, True),
}
"""What each POST reads, and whether it must be there."""


def _bodies(process: Process) -> dict[str, tuple[type[BaseModel], bool]]:
    own = bodies.bodies_of(process)
    return {
        **BODIES,
        "/v1/inbox/next": (own.next, False),
        "/v1/inbox/{ticket_id}/edit": (own.edit, True),
        "/v1/inbox/bulk": (own.bulk, True),
        "/v1/tickets/{ticket_id}/correct": (own.correct, True),
    }


_REF = "#/components/schemas/{model}"
_SAID = {"pattern": r"\S"}
"""A ticket says something in its subject or its body; pydantic checks it in code, the schema in words."""


def install(app: FastAPI, version: str, process: Process) -> None:
    """Serve the document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, version, process)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's own way to replace it


def _document(app: FastAPI, version: str, process: Process) -> dict[str, Any]:
    document = get_openapi(
        title="Deskhand", version=version, openapi_version="3.1.0", description=DESCRIPTION, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    read = _bodies(process)
    models: set[type[BaseModel]] = {ProblemDocument, ResultDocument, *(model for model, _ in read.values())}
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas.update({name: schema for name, schema in found["$defs"].items() if name not in schemas})
    # the ticket is read strictly and answered in full: one schema for what may be sent, one for what is answered
    schemas["Problem"] = schemas.pop("ProblemDocument")
    schemas["TicketInput"] = {**found["$defs"]["Ticket"], "title": "TicketInput"}
    schemas["TicketInput"]["anyOf"] = [{"properties": {name: _SAID}} for name in ("subject", "body")]
    for path, (model, required) in read.items():
        name = "TicketInput" if model is Ticket else model.__name__
        content = {"application/json": {"schema": {"$ref": _REF.format(model=name)}}}
        document["paths"][path]["post"]["requestBody"] = {"required": required, "content": content}
    _describe_result(schemas, process)
    _describe_batch(document["paths"]["/v1/tickets/batch"]["post"])
    event = {"application/json": {"schema": {"type": "object", "description": "the helpdesk's own event"}}}
    document["paths"]["/v1/hooks/{name}"]["post"]["requestBody"] = {"required": True, "content": event}
    renamed: dict[str, Any] = _renamed(document)
    return renamed


def _describe_result(schemas: dict[str, Any], process: Process) -> None:
    """A ticket's decision is one of the process's."""
    _, found = models_json_schema([(process.result, "serialization")], ref_template=_REF)
    schemas.update({name: schema for name, schema in found["$defs"].items() if name not in schemas})
    decision = {"anyOf": [{"$ref": _REF.format(model=process.result.__name__)}, {"type": "null"}]}
    schemas["TicketDocument"]["properties"].update(decision=decision, earlier_decision=decision)


def _describe_batch(operation: dict[str, Any]) -> None:
    ticket = {"$ref": _REF.format(model="TicketInput")}
    items = {"type": "array", "items": {}, "minItems": 1, "maxItems": MOST_ITEMS}
    example = [{"source": "web", "subject": "Card", "body": "Where is my card?"}]
    operation["requestBody"] = {
        "required": True,
        "description": "Each item is a TicketInput; one that is not is answered in its own result.",
        "content": {
            "application/json": {"schema": {**items, "examples": [example]}},
            NDJSON: {"schema": {"type": "string", "description": f"one {ticket['$ref']} a line"}},
        },
    }
    operation["responses"]["200"]["content"][NDJSON] = {"schema": {"type": "string"}}


def _renamed(value: Any) -> Any:
    """References to ProblemDocument follow its public name."""
    if isinstance(value, dict):
        return {name: _renamed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part) for part in value]
    return _REF.format(model="Problem") if value == _REF.format(model="ProblemDocument") else value
