"""The tools as one HTML page for people: no script, nothing loaded from anywhere, every text escaped."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fallbacks.operations.tools import Card, Use, waits_for

EFFECTS = {
    "none": "only reads",
    "keyed": "changes something; its receiver does the same call under the same key once",
    "unkeyed": "changes something; a call whose answer is lost goes to a person",
}
"""As people read them."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .2rem } code { font-size: .9em }
.about { white-space: pre-line; margin: .3rem 0 .6rem } .note, dt { color: #526070 }
.pill { border: 1px solid #b9c4d0; border-radius: 1rem; font: 12px system-ui; margin-left: .5rem; padding: .1rem .6rem }
.acts { background: #fdebd0; border-color: #d99a3d; color: #6b4106 }
dl { display: grid; gap: .15rem 1rem; grid-template-columns: max-content 1fr; margin: .4rem 0 } dd { margin: 0 }
table { border-collapse: collapse; margin: .4rem 0 1rem; width: 100% }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid #d7dee6; vertical-align: top }
@media (prefers-color-scheme: dark) { body { background: #12171d; color: #dbe3ec } .note, dt { color: #9aa8b8 }
th, td { border-color: #303a46 } .acts { background: #4a3311; color: #ffdca3 } }
"""


def page(cards: Sequence[Card], used: Mapping[str, Use], earned: Mapping[str, str]) -> str:
    """The whole file. used: what came of their calls, by name; empty leaves that out. earned: how far they are."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    body = "".join(part for each in cards for part in _tool(each, used.get(each.name), earned.get(each.name, "")))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Tools of the agent</title><style>{_STYLE}</style></head><body><main><h1>Tools of the agent</h1>"
        '<p class="note">What the agent may look up and do, each with its limits. Whose record it is comes from the '
        f"ticket, never from the model.</p>{body}</main></body></html>\n"
    )


def _tool(card: Card, use: Use | None, earned: str) -> Iterator[str]:
    pills = [("acts" if card.effect != "none" else "", EFFECTS[card.effect].partition(";")[0])]
    pills += [] if card.allowed else [("", "not allowed here")]
    pills += [] if card.offered else [("", "asked before every run")]
    marks = "".join(f'<span class="pill {kind}">{escape(text)}</span>' for kind, text in pills)
    yield f'<section id="{escape(card.name)}"><h2><code>{escape(card.name)}</code>{marks}</h2>'
    yield f'<p class="about">{escape(card.about)}</p>'
    yield _arguments(card.schema)
    lines = facts(card, use, earned)
    yield f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in lines)}</dl>"
    yield "</section>"


def facts(card: Card, use: Use | None, earned: str) -> Iterator[tuple[str, str]]:
    """What else there is to say of it, a line each."""
    yield "effect", EFFECTS[card.effect]
    if waits := waits_for(card, earned):
        yield "approval", waits
    yield (
        "limits",
        (f"{card.timeout_seconds:g} s a call, {card.calls_per_run} calls a run, {card.calls_per_minute:,} a minute"),
    )
    if card.offered:
        yield "cost", f"about {card.shown_tokens:,} tokens of every request"
    yield "brought by", card.brought_by
    if card.settings:
        yield "settings", ", ".join(card.settings)
    if use is not None:
        yield "last day", lately(use)


def lately(use: Use) -> str:
    """What came of its calls, in a line."""
    failed = ", ".join(f"{count:,} {outcome}" for outcome, count in use.failures.items()) or "none failed"
    took = "" if use.p50 is None or use.p95 is None else f"; half within {use.p50:.2g} s, 95 % within {use.p95:.2g} s"
    return f"{use.calls:,} calls, {failed}{took}; {use.tokens:,} tokens of results"


def _arguments(schema: Mapping[str, Any]) -> str:
    fields: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    if not fields:
        return '<p class="note">The model has nothing to choose.</p>'
    required = schema.get("required", ())
    kinds = {name: kind_of(field) + ("" if name in required else ", optional") for name, field in fields.items()}
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kinds[name])}</td>"
        f"<td>{escape(str(field.get('description', '')))}</td></tr>"
        for name, field in fields.items()
    )
    head = "<tr><th>argument</th><th>is</th><th>what for</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def kind_of(field: Mapping[str, Any]) -> str:
    """A field's type and bounds in words."""
    if field.get("enum"):
        return "one of " + ", ".join(map(str, field["enum"]))
    kind = str(field.get("type", "value")).replace("string", "text")
    bounds = {"pattern": "like {}", "maxLength": "at most {} characters", "minimum": "from {}", "maximum": "to {}"}
    return ", ".join([kind, *(text.format(field[name]) for name, text in bounds.items() if name in field)])
