"""Each kind of decision with what people decided, and how often the agent had suggested the same."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.autonomy.proof import still_to_agree
from fallbacks.autonomy.standing import Row
from fallbacks.console.pages import words
from fallbacks.console.visit import Visit, signed_in
from fallbacks.ledger.past.examples import Example
from fallbacks.store import keys
from tasks.language import _
from tasks.run.process import Kind


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a kind is from being decided alone. left: decisions in a row that must agree; None: out of sight."""

    row: Row
    left: int | None

    @property
    def total(self) -> int:
        """Agreeing decisions, those there are and those to go."""
        return self.row.agreements + (self.left or 0)


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind. waiting: items with such a suggestion. earned: where its autonomy stands, for each model version with
    evidence.
    """

    kind: Kind
    decided: int
    suggested: int
    agreed: int
    waiting: int
    earned: tuple[Progress, ...] = ()
    changed: tuple[Example, ...] = ()

    @property
    def agreement(self) -> float | None:
        """Share of suggestions that stood, 0..1 over those that people judged; None before the first."""
        return self.agreed / self.suggested if self.suggested else None


@signed_in()
async def kinds(visit: Visit) -> Response:
    """By group, in the process's order."""
    groups: dict[str, list[KindRow]] = {}
    wanted = visit.request.query_params.get("q", "").strip()[:100]
    for row in await kind_rows(visit):
        if _says(row.kind, wanted):
            groups.setdefault(row.kind.group, []).append(row)
    kept = await visit.deps.store.fields(keys.PROMISES)
    stands_by = [(tier, json.loads(promise)["rests_on"]) for tier, promise in sorted(kept.items())]
    found = await visit.desk.findings.now()
    return await visit.page("kinds.html", {"groups": groups, "stands_by": stands_by, "found": found, "wanted": wanted})


@signed_in(Role.OPERATOR)
async def revoke(visit: Visit) -> Response:
    """Take from a kind that it is decided alone: said why, and meant."""
    form = await visit.request.form()
    kind, why = str(form.get("kind", "")), str(form.get("why", ""))
    if not form.get("meant") or visit.deps.standings is None:
        raise HTTPException(422, _("Nothing was revoked: say that it is meant."))
    try:
        await visit.deps.standings.revoke(kind, visit.person, why)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    await visit.tell(_("%(kind)s is decided by people from now on", kind=words(kind)), "")
    return RedirectResponse(f"/labels?{urlencode({'q': kind})}", 303)


def _says(kind: Kind, wanted: str) -> bool:
    """Whether every word that was typed stands in its name, its group or what is said about it."""
    text = f"{kind.key} {kind.about} {kind.group}".replace("_", " ").casefold()
    return all(word in text for word in wanted.replace("_", " ").casefold().split())


def progress(row: Row) -> Progress:
    """Of one standing."""
    return Progress(row, still_to_agree(row.agreements, row.n - row.agreements, row.target, row.e_needed))


async def kind_rows(visit: Visit) -> list[KindRow]:
    """Every kind of the process."""
    process = visit.deps.process
    counts = await visit.desk.tally.now()
    waiting = await visit.deps.store.sizes(
        [keys.inbox_facet(f"{process.keyed_by}:{kind.key}") for kind in process.kinds]
    )
    earned = await visit.deps.standings.rows() if visit.deps.standings else []
    return [
        KindRow(
            kind,
            counts.decided[kind.key],
            counts.suggested[kind.key],
            counts.agreed[kind.key],
            size,
            tuple(progress(row) for row in earned if row.kind == kind.key),
            counts.changed.get(kind.key, ())[::-1],
        )
        for kind, size in zip(process.kinds, waiting, strict=True)
    ]
