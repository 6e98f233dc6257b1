"""The mail behind a ticket and the texts of its attachments: strangers' words, as plain text and never rendered."""

import re

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from fallbacks.console.visit import Visit, signed_in
from tasks.language import _

SEALED = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}
"""Whatever a browser takes it for, nothing in it runs or loads."""


@signed_in()
async def original(visit: Visit) -> Response:
    """The mail as it came, as text; with ?download=1 as a file, byte for byte. ?message=ID: of that message of it."""
    ticket_id, message_id = visit.request.path_params["ticket_id"], visit.request.query_params.get("message", "")
    await visit.deps.views.ticket(ticket_id)
    kept = await visit.deps.views.original(ticket_id, message_id)
    if kept is None:
        raise HTTPException(404, _("Nothing but the ticket was kept of it: it did not come as a mail."))
    if "download" not in visit.request.query_params:
        return PlainTextResponse(kept.decode("utf-8", "backslashreplace"), headers=SEALED)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", message_id or ticket_id)
    headers = {**SEALED, "Content-Disposition": f'attachment; filename="{name}.eml"'}
    return Response(kept, media_type="application/octet-stream", headers=headers)


@signed_in()
async def attachment(visit: Visit) -> Response:
    """What could be read of one attachment."""
    ticket_id, number = visit.request.path_params["ticket_id"], visit.request.path_params["number"]
    await visit.deps.views.ticket(ticket_id)
    texts = await visit.deps.views.attachment_texts(ticket_id)
    found = next((text for place, text in texts.items() if str(place) == number), None)
    if found is None:
        raise HTTPException(404, _("Nothing in it could be read as text."))
    note = f"[{found.note}]\n\n" if found.note else ""
    return PlainTextResponse(note + found.text, headers=SEALED)
