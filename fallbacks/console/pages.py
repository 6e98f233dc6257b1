"""Templates to responses. Whatever is printed is escaped and has its hidden characters made visible, by default."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from fallbacks.console.hidden import plain, visible
from fallbacks.console.highlight import asked_for, marked
from fallbacks.inbox.calls import said
from fallbacks.inbox.ownership import groups_of, owner_words
from tasks.money import format_usd
from tasks.run.process import Process, Result

STATIC = files("fallbacks.console") / "static"


STATES = {"handed_off": "needs a person", "suggested": "ready to approve", "parked": "waiting to retry"}
"""What people call a state; any other is called by its name."""


class Pages:
    """The templates, read once. process: whose card stands on a ticket's page. cards: its folder, None for ours."""

    def __init__(self, process: Process, cards: Path | None = None) -> None:
        self._process = process
        loaders: list[BaseLoader] = [PackageLoader("fallbacks.console")]
        if cards is not None:
            loaders.append(PrefixLoader({"cards": FileSystemLoader(cards)}))
        self._environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            visible=visible,
            marked=marked,
            asked_for=asked_for,
            day_time=day_time,
            usd=format_usd,
            words=words,
            owner_words=owner_words,
            state_words=state_words,
            headline=self.headline,
            lasting=lasting,
            took=took,
            clock=clock,
            said=said,
            iso=iso,
            pretty=pretty,
            count=lambda number: f"{number:,}",
            amount=lambda number: f"{number:,.1f}".removesuffix(".0"),
        )
        version = hashlib.sha256(
            b"".join((STATIC / name).read_bytes() for name in ("console.css", "console.js", "list.js"))
        )
        self._environment.globals.update(
            static_version=version.hexdigest()[:12],
            process=process,
            card_template=f"cards/{process.name}.html",
            givable=groups_of(process),
        )

    def headline(self, result: Result) -> str:
        """A result in a few words."""
        return words(self._process.headline(result))

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """A rendered template."""
        return self._environment.get_template(template).render(values)

    def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        """A rendered template as a response."""
        return HTMLResponse(self.text(template, values), status)


def words(name: str) -> str:
    """A name as words: `card_not_working` reads `card not working`."""
    return name.replace("_", " ")


def state_words(state: str) -> str:
    """A state as screens call it."""
    return STATES.get(state, words(state))


def lasting(milliseconds: float) -> str:
    """A length of time in one unit, e.g. `3 min`; of either sign."""
    seconds = abs(milliseconds) / 1000
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def took(seconds: float) -> str:
    """How long a step took."""
    return (
        lasting(seconds * 1000)
        if seconds >= 60
        else f"{seconds:.1f} s"
        if seconds >= 0.1
        else f"{seconds * 1000:.0f} ms"
    )


def clock(at_ms: int) -> str:
    """Store time as a person reads it on a clock, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")


def day_time(at_ms: int) -> str:
    """Store time as a list has it, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def iso(at_ms: int) -> str:
    """Store time for machines."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def pretty(value: Any) -> str:
    """JSON as a person reads it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
