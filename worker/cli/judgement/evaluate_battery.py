"""`deskhand eval FILE --battery`: a labelled file as a deployment of its own, and all it promises tried."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from worker.evaluation.battery import Battery
    from worker.evaluation.figures import Share


def try_all(file: Path, taxonomy: Path | None, limit: int | None, *, json: bool) -> None:
    """Run it in a folder that is gone afterwards."""
    from worker.service.battery import ground, run_battery

    with TemporaryDirectory(prefix="deskhand-battery-") as home:
        found = run_battery(ground(file, taxonomy, Path(home), limit), complain)
    dump(_document(found)) if json else _tell(found)


def _tell(found: "Battery") -> None:
    from worker.evaluation.battery import FOREIGN

    say(
        f"{found.name}: {found.tickets:,} rows asked, {found.learned:,} learned in {found.training_seconds:.1f} s, "
        f"{found.answer_seconds * 1000:.1f} ms an answer",
        f"right team {_percent(found.team_right)} (at least {found.team_right.at_least:.2%}), "
        f"right label {_percent(found.label_right)}",
        f"the screen marks {_percent(found.marked)} (at most {found.marked.at_most:.2%}) and hands off "
        f"{_percent(found.handed_off)}",
        f"a worker and eval: {len(found.agreement.differ)} of {found.agreement.tickets} tickets come out otherwise"
        + (f" ({', '.join(found.agreement.differ[:5])})" if found.agreement.differ else ""),
    )
    if found.outside.total:
        say(f"of {found.outside.total} tickets outside the taxonomy {_percent(found.outside)} were decided")
    columns = ("target", "proved without these rows", "covered", "right", "at least (95 %)", "kept")
    table = Report(columns, title="What it stands by", numeric=frozenset({"target", "covered", "right"}))
    for each in found.kept:
        bound = f"{each.precision.at_least:.2%}" if each.precision.total else ""
        shares = (_percent(each.covered), _percent(each.precision), bound)
        table.add(f"{each.threshold.target:.0%}", str(each.threshold), *shares, "yes" if each.kept else "no")
    columns = ("left out", "target", "of it decided", "of the others", "right of those", "right in all")
    leaks = Report(
        columns, title=f"A team it never learned, as {FOREIGN:.0%} of the tickets", numeric=frozenset(columns[1:])
    )
    for leak in found.leaks:
        shares = (_percent(leak.foreign), _percent(leak.covered), _percent(leak.right))
        leaks.add(leak.team, f"{leak.target:.0%}", *shares, f"{leak.precision:.2%}" if leak.covered.hits else "")
    show(table, leaks)


def _percent(share: "Share") -> str:
    return f"{share.value:.2%}" if share.total else ""


def _document(found: "Battery") -> dict[str, Any]:
    from worker.evaluation.figures import plain

    targets = [{**asdict(each), "kept": each.kept, "in_words": str(each.threshold)} for each in found.kept]
    leaks = [{**asdict(each), "precision": each.precision} for each in found.leaks]
    document: dict[str, Any] = plain({**asdict(found), "kept": targets, "leaks": leaks})
    return document
