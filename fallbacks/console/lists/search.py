"""Search from every screen, over tickets that are here and tickets that have ended, by bookmarkable addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from fallbacks.console.visit import Visit, signed_in
from fallbacks.history.port import Search
from fallbacks.history.words import MOST_CHARS, read_terms
from fallbacks.ledger.states import ENDED, INBOX, Closed, State
from fallbacks.plan import DAY_MS
from fallbacks.search.both import Found, read_cursor
from fallbacks.search.excerpts import excerpt, said
from tasks.language import _
from tasks.reasons import Reason
from tasks.run.process import Process

PAGE = 50

STATES: Mapping[str, tuple[str, ...]] = {
    "waiting": tuple(sorted(INBOX)),
    "in work": tuple(state.value for state in (State.QUEUED, State.RUNNING, State.PARKED)),
    "ended": tuple(sorted(ENDED)),
    **{state.value: (state.value,) for state in State},
}
"""What may be chosen: some states by one name, and each of them."""

TEXTS = ("q", "requester", "source", "decided_by")
DAYS = ("since", "until", "ended_since")
FURTHER = frozenset({"source", "decided_by", "reason", "corrected", *DAYS})


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as its form has it: a field with nothing in it is not asked for."""

    fields: Mapping[str, str]
    wanted: Search

    @property
    def query(self) -> str:
        """As a query string, without a place to go on from."""
        return urlencode(self.fields)

    @property
    def further(self) -> bool:
        """Whether one of the rarer fields is asked for."""
        return not FURTHER.isdisjoint(self.fields)

    def value(self, name: str) -> str:
        """What a field of the form holds."""
        return self.fields.get(name, "")


def read_asked(query: Mapping[str, str], process: Process) -> Asked:
    """From a query string; what is unknown or empty is left out. Raises ValueError for a cursor of somebody else."""
    fields = {name: query[name].strip()[:MOST_CHARS] for name in TEXTS if query.get(name, "").strip()}
    fields |= {name: query[name][:100] for name in process.facet_names if query.get(name)}
    fields |= {name: query[name] for name in DAYS if _day(query.get(name, "")) is not None}
    chosen = {"state": STATES, "reason": {*Reason, *Closed}, "corrected": {"true"}}
    fields |= {name: query[name] for name, known in chosen.items() if query.get(name) in known}
    until = _day(fields.get("until", ""))
    wanted = Search(
        **{name: fields[name] for name in (*TEXTS, "reason") if name in fields},
        states=STATES[fields["state"]] if "state" in fields else (),
        facets={name: fields[name] for name in process.facet_names if name in fields},
        since_ms=_day(fields.get("since", "")),
        until_ms=None if until is None else until + DAY_MS,
        ended_since_ms=_day(fields.get("ended_since", "")),
        corrected=True if "corrected" in fields else None,
        before=read_cursor(query["cursor"]) if query.get("cursor") else None,
        limit=PAGE,
    )
    return Asked(fields, wanted)


def today(now_ms: int) -> str:
    """The UTC day of a moment, as an address has it."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()


@signed_in()
async def search(visit: Visit) -> Response:
    """The results, or the form alone where nothing was asked for."""
    process, now = visit.deps.process, await visit.deps.store.now_ms()
    try:
        asked = read_asked(visit.request.query_params, process)
    except ValueError:
        raise HTTPException(422, _("This address does not lead to a page of results: begin again.")) from None
    found = await visit.deps.search.find(asked.wanted, visit.reach.covers) if asked.fields else None
    terms = read_terms(asked.wanted.q)
    mine = urlencode({"decided_by": visit.person, "ended_since": today(now)})
    values = {
        "asked": asked,
        "found": found and _shown(found, asked),
        "terms": terms,
        "more": asked.wanted.before is not None,
        "states": list(STATES),
        "reasons": [*Reason, *Closed],
        "facets": {name: list(process.facet_values[name]) for name in process.facet_names},
        "mine_today": f"/search?{mine}",
    }
    return await visit.page("search.html", values)


def _shown(found: Found, asked: Asked) -> Found:
    """With the piece of each text that the list shows."""
    terms = read_terms(asked.wanted.q)
    hits = [replace(hit, facts=replace(hit.facts, text=excerpt(said(hit.facts, terms), terms))) for hit in found.hits]
    return replace(found, hits=tuple(hits))


def _day(text: str) -> int | None:
    """The first moment of a day that is written 2026-11-30, in ms; None for what is not one."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
