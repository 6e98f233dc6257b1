"""Picking values out of a JSON document by JSONPath (RFC 9535), and filling templates with them. Pure.

`$.a.b[0]['odd key'].c` names one value, `$.labels[*].name` several. `{a.b}` in a template is the value at `$.a.b`.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Self

import jsonpath_rfc9535 as jsonpath
from jsonpath_rfc9535 import JSONPathError, JSONPathQuery
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from worker.connectors.mail.html.visible import html_text

_PLACE = re.compile(r"\{([A-Za-z_][\w.\[\]*'-]{0,199})\}")
_HYPHENED = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|\.([A-Za-z_]\w*-[\w-]*)""")
"""Outside of quotes."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


@lru_cache(maxsize=1000)
def steps_of(path: str) -> JSONPathQuery:
    """A path, read. Raises `ValueError` where it is none. A name with a hyphen may stand without brackets."""
    try:
        return jsonpath.compile(_HYPHENED.sub(lambda found: found[1] or f"['{found[2]}']", path))
    except JSONPathError as error:
        raise ValueError(f"{path!r} is not a path: {str(error).partition(', line')[0]}") from None


def value_at(document: Any, steps: JSONPathQuery) -> Any:
    """The value, or None where the document has none; a list where the path can name several."""
    try:
        found = [value for value in steps.find(document).values() if value is not None]
    except (JSONPathError, RecursionError):  # of what is nested too deeply
        return None
    if not steps.singular_query():
        return found
    return found[0] if found else None


def as_text(value: Any) -> str:
    """How a value reads in a text: lists with commas, an object as JSON, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def filled(template: Any, document: Any, escape: Callable[[str], str] = str) -> Any:
    """The template with every `{path}` replaced. A string that is one placeholder becomes the value as it is."""
    if isinstance(template, dict):
        return {name: filled(part, document, escape) for name, part in template.items()}
    if isinstance(template, list):
        return [filled(part, document, escape) for part in template]
    if not isinstance(template, str):
        return template
    if (whole := _PLACE.fullmatch(template)) and escape is str:
        return value_at(document, steps_of(f"$.{whole[1]}"))
    return _PLACE.sub(lambda found: escape(as_text(value_at(document, steps_of(f"$.{found[1]}")))), template)


def places_of(text: str) -> list[str]:
    """What the placeholders of a text name."""
    return _PLACE.findall(text)


def _path(path: str) -> str:
    steps_of(path)
    return path


Path = Annotated[str, AfterValidator(_path)]


class Pick(BaseModel):
    """Where a field comes from. In a file, `$.a.b` alone is its path, and any other plain value a constant.

    map: the value's text to another, whatever its case; what is not in it gives the default. html: tags are taken out.
    comments: False leaves out what stands in `<!-- -->`, as issue templates have it and no reader sees it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    const: str | int | float | bool | None = None
    map: Mapping[str, str] | None = None
    default: str | int | float | bool | None = None
    html: bool = False
    comments: bool = True

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return value
        return {"path": value} if isinstance(value, str) and value.startswith("$") else {"const": value}

    def of(self, document: Any) -> Any:
        """The value, or the default where there is none."""
        found = self.const if self.path is None else value_at(document, steps_of(self.path))
        if found is not None and self.map is not None:
            folded = {name.casefold(): to for name, to in self.map.items()}
            found = folded.get(as_text(found).casefold())
        if found is None or found == "":
            return self.default
        if not self.comments:
            found = _COMMENT.sub("", as_text(found)).strip()
        return html_text(as_text(found)) if self.html else found


Said = Annotated[str, BeforeValidator(lambda value: as_text(value) if isinstance(value, bool | int | float) else value)]
"""A file may have `5` and `true` without quotes."""


class Condition(BaseModel):
    """`{path: $.action, one_of: [opened]}`: the value's text is one of these. `{header: X-Event, one_of: [issues]}`: of
    a header. Of a path that names several values one is enough. `present: true` or `false`: whether there is a value at
    all. `contains: "[deskhand]"`: its text has that. All that is said must hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    header: str | None = None
    one_of: Annotated[list[Said], Field(min_length=1)] | None = None
    present: bool | None = None
    contains: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.path is None) == (self.header is None):
            raise ValueError("exactly one of path and header")
        if self.one_of is None and self.present is None and self.contains is None:
            raise ValueError("one_of, present or contains")
        return self

    def holds(self, document: Any, headers: Mapping[str, str]) -> bool:
        """Whether the call is meant. headers: names in lower case."""
        header = headers.get((self.header or "").lower())
        found = header if self.path is None else value_at(document, steps_of(self.path))
        there = found is not None and found != []
        if self.present is not None and there != self.present:
            return False
        if self.contains is not None and self.contains not in as_text(found):
            return False
        if self.one_of is None:
            return True
        names_several = self.path is not None and not steps_of(self.path).singular_query()
        values = found if isinstance(found, list) and names_several else [found]
        return any(as_text(one) in self.one_of for one in values)
