"""The operator log: switches, people, keys, deploys and sign-ins, searched and as CSV."""

import csv
import io

from starlette.responses import Response

from fallbacks.access.roles import Role
from fallbacks.console.figures import iso
from fallbacks.console.visit import Visit, signed_in
from fallbacks.ledger.limits.control import Change, Control
from fallbacks.operations.csv_cells import guarded

READ = 5000
"""Latest lines that are looked through."""

SHOWN = 200


@signed_in(Role.OPERATOR)
async def operator_log(visit: Visit) -> Response:
    """Its latest lines, those that hold every word asked for; `?csv=1` is the same as a file."""
    words = visit.request.query_params.get("q", "").lower().split()
    lines = await Control(visit.deps.store).log(READ, sign_ins=True)
    found = [line for line in lines if all(word in f"{line.who} {line.words}".lower() for word in words)]
    if visit.request.query_params.get("csv"):
        return _csv(found)
    values = {"lines": found[:SHOWN], "found": len(found), "q": " ".join(words), "looked": len(lines)}
    return await visit.page("log.html", values)


def _csv(lines: list[Change]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("at", "who", "what", "before", "after", "client"))
    for line in lines:
        cells = (line.who, line.what, line.before or "", line.after or "", line.client or "")
        writer.writerow((iso(line.at_ms), *map(guarded, cells)))
    headers = {"Content-Disposition": 'attachment; filename="operator-log.csv"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
