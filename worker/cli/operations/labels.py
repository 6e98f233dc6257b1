"""`deskhand autonomy labels`: what every kind of decision has earned, and what it still lacks."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from worker.cli.context import run
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from worker.wiring import Parts


@dataclass(frozen=True, slots=True)
class AtWork:
    """What works now. versions: tier -> those that live workers work with; where none lives, what the last one did.

    learned: version of the local model -> live workers that work with it. promoted: the one that should work, "" for
    the training data's, None where no tier is local. earlier: kinds with evidence of other versions alone.
    slips: of people, and what they mean for the target.
    """

    versions: Mapping[str, Collection[str]]
    learned: Mapping[str, int] = field(default_factory=dict)
    promoted: str | None = None
    earlier: int = 0
    slips: str = ""

    @property
    def notes(self) -> list[str]:
        """What people should know beside the table."""
        said = []
        late = {name: count for name, count in self.learned.items() if name != self.promoted} if self.promoted else {}
        for name, count in late.items():
            workers = "worker works" if count == 1 else "workers work"
            said.append(f"{count} {workers} with the local model {name}; {self.promoted} is promoted: {TAKEN_UP}")
        if self.earlier:
            kinds = "kind has" if self.earlier == 1 else "kinds have"
            said.append(f"{self.earlier} more {kinds} evidence of versions that work no more")
        if self.slips:
            said.append(self.slips)
        return said


TAKEN_UP = "workers take it up within seconds where they share the folder DESKHAND_HOME"


def show_kinds(*, json: bool) -> None:
    """One line for each kind with evidence of the versions that work."""
    from worker.cli.documents import moment

    rows, at_work, keyed_by = run(_rows)
    if json:
        document: dict[str, Any] = {f"{keyed_by}s": [_document(row, keyed_by) for row in rows]}
        if at_work:
            document["at_work"] = asdict(at_work)
        dump(document)
        return
    if not rows:
        say(f"no {keyed_by} has evidence yet: people's decisions on suggestions are what counts")
    else:
        numeric = frozenset({"people agreed", "carried", "repeats", "blind", "e-value", "needed"})
        columns = (
            keyed_by,
            "tier",
            "version",
            "state",
            "people agreed",
            "carried",
            "repeats",
            "blind",
            "e-value",
            "needed",
            "since",
        )
        table = Report(columns, title="Earned autonomy, by people's decisions", numeric=numeric)
        for row in rows:
            table.add(
                row["kind"],
                row["tier"],
                row["version"],
                Cell(row["state"], "bold green" if row["state"] == "auto" else ""),
                f"{row['agreements']} of {row['n']}",
                row["carried"] or "",
                row["repeats"] or "",
                f"{row['blind_agreements']} of {row['blind_n']}",
                f"{row['e_value']:.3g}",
                f"{row['e_needed']:.0f}",
                moment(row["since_ms"]) if row["since_ms"] else "",
            )
        show(table)
    for note in at_work.notes if at_work else ():
        say(note)


def _document(row: dict[str, Any], keyed_by: str) -> dict[str, Any]:
    from worker.cli.documents import moment

    named = {keyed_by if name == "kind" else name: value for name, value in row.items()}
    return {**named, "since": moment(row["since_ms"]) if row["since_ms"] else None}


async def _rows(parts: "Parts") -> tuple[list[dict[str, Any]], AtWork | None, str]:
    from fallbacks.autonomy.noise import said, together

    keyed_by = parts.process.keyed_by
    found = await parts.standings.standings()
    if not found:
        return [], None, keyed_by  # before any model is loaded
    at_work = await _at_work(parts)
    rows = await parts.standings.rows(at_work.versions)
    shown = {(row.kind, row.tier) for row in rows}
    judge = parts.standings
    slips = said(judge.terms.rule, together(judge.noise))
    at_work = replace(at_work, earlier=len({(key.kind, key.tier) for key in found} - shown), slips=slips)
    return [asdict(row) for row in rows], at_work, keyed_by


async def _at_work(parts: "Parts") -> AtWork:
    from fallbacks.operations.fleet import at_work, fleet
    from worker.config.settings import LOCAL

    live = [worker for worker in await fleet(parts.store, parts.settings.lease_seconds) if not worker.silent]
    versions = await at_work(parts.store, live) or {tier.model.name: [tier.version] for tier in parts.tiers}
    learned = Counter(worker.models[LOCAL]["made_of"] for worker in live if LOCAL in worker.models)
    if LOCAL not in parts.settings.tiers:
        return AtWork(versions)
    from worker.models.local.choice import versions_of

    promoted = versions_of(parts.settings).current()
    return AtWork(versions, dict(learned), promoted.name if promoted else "")


def show_alone(*, json: bool) -> None:
    """What was decided alone while each kind might be, for somebody to look at again."""
    from worker.cli.documents import moment

    rows = run(_alone)
    if json:
        dump([{**row, "from": moment(row["from"]), "to": row["to"] and moment(row["to"])} for row in rows])
        return
    if not rows:
        say("nothing was ever decided alone")
        return
    columns = ("kind", "tier", "from", "to", "decided alone", "the latest")
    table = Report(columns, title="Decided alone; `deskhand correct` changes one", numeric=frozenset({"decided alone"}))
    for row in rows:
        ended = moment(row["to"]) if row["to"] else "now"
        latest = ", ".join(row["tickets"][-3:])
        table.add(row["kind"], row["tier"], moment(row["from"]), ended, len(row["tickets"]), latest)
    show(table)


async def _alone(parts: "Parts") -> list[dict[str, Any]]:
    return [
        {
            "kind": period.key.kind,
            "tier": period.key.tier,
            "version": period.key.version,
            "from": period.from_ms,
            "to": period.to_ms,
            "tickets": list(await parts.watch.alone(period)),
        }
        for period in await parts.watch.periods()
    ]
