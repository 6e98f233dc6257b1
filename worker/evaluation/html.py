"""The evaluation as one HTML file: no script, nothing loaded from anywhere, every text escaped."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from worker.evaluation.attacks import AttackReport
from worker.evaluation.figures import Share, Summary

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; margin: .5rem 0 1rem; display: block; overflow-x: auto }
caption { text-align: left; font-weight: 600; white-space: nowrap } figure { margin: 1rem 0 }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #d7dee6 }
text { font-size: 9px; fill: #526070 } summary { cursor: pointer; font-weight: 600 }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } p.note { color: #526070 }
svg { background: #f6f8fa } @media (prefers-color-scheme: dark) { body { background: #12171d; color: #dbe3ec }
svg { background: #1b222b } th, td { border-color: #303a46 } p.note { color: #9aa8b8 } text { fill: #9aa8b8 } }
"""
_SIDE = 240
_NUMBER = re.compile(r"[$\d.,]+(?: ?%)?|-")


def html_report(title: str, note: str, summaries: Sequence[Summary], attacks: AttackReport | None) -> str:
    """The whole file. note: what was evaluated, in a sentence."""
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="note">{escape(note)}</p>']
    for summary in summaries:
        parts += _tier(summary)
    if attacks is not None:
        parts += _attacks(attacks)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def percent(share: Share) -> str:
    """`97.3 %`, or `-` for a share of nothing."""
    return f"{share.value:.1%}" if share.total else "-"


def _tier(summary: Summary) -> Iterable[str]:
    facts = [
        ("tickets", f"{summary.tickets:,}"),
        ("right team", f"{percent(summary.team_right)} (at least {summary.team_right.at_least:.1%})"),
        ("right label", percent(summary.label_right)),
        ("stood by", f"{percent(summary.stood)}, of which right {percent(summary.stood_right)}"),
        *((f"right {name}", f"{percent(share)} of {share.total:,}") for name, share in summary.fields_right.items()),
        *_foreign(summary),
        ("calibration error", f"{summary.calibration_error:.3f}"),
        ("cost of a ticket", f"${summary.cost_nanodollars / 1e9:.6f}"),
        ("milliseconds, median / 95 %", f"{summary.seconds_median * 1000:,.1f} / {summary.seconds_p95 * 1000:,.1f}"),
    ]
    yield f"<h2>{escape(summary.tier)}</h2>"
    yield _table("", ("", ""), facts)
    rows = [
        (f"{c.target:.0%}", percent(c.covered), percent(c.precision), f"{c.precision.at_least:.1%}", percent(c.leaked))
        for c in summary.coverage
    ]
    heads = ("precision target", "covered", "precision", "at least (95 %)", "foreign decided")
    yield _table("Coverage, thresholds from the other half", heads, rows)
    yield _diagram(summary.bins)
    yield _table("Teams confused", ("people's", "suggested", "tickets"), summary.confused_teams)
    yield _table("Labels confused", ("people's", "suggested", "tickets"), summary.confused_labels)
    if summary.reasons:
        yield _table("Why it did not stand by its answer", ("reason", "tickets"), summary.reasons.items())


def _foreign(summary: Summary) -> Iterable[tuple[str, str]]:
    if summary.leaked.total:
        yield "outside the taxonomy and decided", f"{percent(summary.leaked)} of {summary.leaked.total:,}"


def _attacks(report: AttackReport) -> Iterable[str]:
    yield f"<h2>{report.attacks:,} attacks, {report.harmless:,} harmless hard cases</h2>"
    rows = [
        (each.name, percent(each.decided), percent(each.misrouted), percent(each.misrouted_of_decided))
        for each in report.defences
    ]
    yield _table("", ("defence", "decided", "misrouted", "misrouted of decided"), rows)
    screens = [
        ("attacks marked", percent(report.recall)),
        ("harmless marked", percent(report.false_alarms)),
        ("clean tickets marked", percent(report.clean_alarms)),
        ("attacks handed off", percent(report.handed_off)),
        ("clean tickets handed off", percent(report.clean_handed_off)),
    ]
    yield _table("The screen", ("", ""), screens)
    tried = [("asked for what is refused", percent(report.misuse)), ("said the canary", percent(report.leaks))]
    yield _table("What models tried", ("", ""), tried)
    families = [(name, percent(share), share.total) for name, share in report.recall_by_family.items()]
    by_family = _table("", ("family", "marked", "attacks"), families)
    wrappers = [(name, percent(share), share.total) for name, share in report.recall_by_wrapper.items()]
    by_wrapper = _table("", ("wrapper", "marked", "attacks"), wrappers)
    yield f"<details><summary>Attacks marked, by family and wrapper</summary>{by_family}{by_wrapper}</details>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns of numbers stand right. Nothing for no rows; no head where its names are empty."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    of = [' class="n"' if all(map(_NUMBER.fullmatch, column)) else "" for column in zip(*cells, strict=True)]
    body = "".join(f"<tr>{_row('td', of, row)}</tr>" for row in cells)
    head = f"<thead><tr>{_row('th', of, heads)}</tr></thead>" if any(heads) else ""
    titled = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{titled}{head}<tbody>{body}</tbody></table>"


def _row(tag: str, of: Sequence[str], cells: Sequence[str]) -> str:
    return "".join(f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(of, cells, strict=True))


def _diagram(bins: Sequence[tuple[float, float, int]]) -> str:
    """Confidence against the share right; the diagonal is honesty."""
    most = max((count for _, _, count in bins), default=1)
    dots = "".join(
        f'<circle cx="{sure * _SIDE:.1f}" cy="{(1 - right) * _SIDE:.1f}" r="{3 + 9 * (count / most) ** 0.5:.1f}" '
        f'fill="#3b82d0" fill-opacity=".8"><title>{sure:.0%} sure, {right:.0%} right, {count} tickets</title></circle>'
        for sure, right, count in bins
    )
    ends = (
        f'<text x="0" y="{_SIDE + 12}">0 %</text><text x="{_SIDE}" y="{_SIDE + 12}" text-anchor="end">100 % sure</text>'
        f'<text x="4" y="2">100 % right</text>'
    )
    return (
        f'<figure><svg viewBox="-16 -16 {_SIDE + 32} {_SIDE + 32}" width="{_SIDE + 32}" role="img" '
        f'aria-label="Confidence against share right"><line x1="0" y1="{_SIDE}" x2="{_SIDE}" y2="0" stroke="#8895a3"/>'
        f"{dots}{ends}</svg><figcaption>Confidence against the share right; on the line it is honest, above it modest. "
        "The larger, the more tickets.</figcaption></figure>"
    )
