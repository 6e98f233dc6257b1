"""Templates to responses. Whatever is printed is escaped and has its hidden characters made visible, by default."""

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.responses import HTMLResponse

from fallbacks.console.figures import (
    age,
    amount,
    clock,
    count,
    day_time,
    iso,
    lasting,
    measured,
    percent,
    second,
    took,
    usd,
)
from fallbacks.console.hidden import plain, visible
from fallbacks.console.highlight import asked_for, marked
from fallbacks.console.languages import here
from fallbacks.inbox.calls import said
from fallbacks.inbox.ownership import groups_of, owner_words
from tasks.language import N_, filled, spoken, translated, written
from tasks.retold import retold
from tasks.run.process import Process, Result

STATIC = files("fallbacks.console") / "static"


SCRIPTS = tuple(sorted(file.name for file in STATIC.iterdir() if file.name.endswith(".js")))
VERSIONED = ("console.css", "print.css", *SCRIPTS)
"""A change of one is another address for all."""

STATES = {"handed_off": N_("needs a person"), "suggested": N_("ready to approve"), "parked": N_("waiting to retry")}
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
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.policies["ext.i18n.trimmed"] = True
        self._environment.filters.update(visible=visible, marked=marked, asked_for=asked_for, said=said, iso=iso)
        self._environment.filters.update(
            words=words, owner_words=owner_words, headline=self.headline, pretty=pretty, upfirst=upfirst
        )
        spoken_ones = (
            state_words,
            named,
            translated,
            retold,
            usd,
            lasting,
            took,
            clock,
            day_time,
            second,
            count,
            amount,
            percent,
            written,
        )
        self._environment.filters.update({each.__name__: _spoken(each) for each in spoken_ones})
        self._environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
        self._environment.globals.update(gettext=_gettext, ngettext=_ngettext, age=age, here=here)
        self._environment.globals.update(measured=measured, kinds_word=lambda: named(f"{process.keyed_by}s"))
        version = hashlib.sha256(b"".join((STATIC / name).read_bytes() for name in VERSIONED))
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


def named(name: str) -> str:
    """As `words`, in the language spoken: for names of our own, such as reasons. What others named keeps its name."""
    return translated(words(name))


def state_words(state: str) -> str:
    """A state as screens call it."""
    return translated(STATES.get(state, words(state)))


def upfirst(text: str) -> str:
    """With a capital at its beginning; nothing else changes."""
    return text[:1].upper() + text[1:]


def pretty(value: Any) -> str:
    """JSON as a person reads it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _shown(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _spoken(filtered: Callable[..., str]) -> Callable[..., str]:
    """A filter whose result is never kept from one reader to the next."""

    @pass_context
    def asked(_: Context, *values: Any) -> str:
        return filtered(*values)

    return asked


@pass_context
def _gettext(context: Context, text: str, /, **values: object) -> str:
    return _filled(context, translated(text), values)


@pass_context
def _ngettext(context: Context, one: str, many: str, num: int, /, **values: object) -> str:
    return _filled(context, spoken().texts.ngettext(one, many, num), {"num": num, **values})


def _filled(context: Context, text: str, values: Mapping[str, object]) -> str:
    """What stands in a text is escaped and made visible, as what is printed alone."""
    shown = {name: _shown(value) for name, value in filled(values).items()}
    return (Markup(text) if context.eval_ctx.autoescape else text) % shown  # noqa: S704 - of a catalogue
