"""Picking values out of a JSON document, and filling templates with them. Pure, and a small part of JSONPath only.

`$.a.b[0]['odd key'].c` names one value, `$.labels[*].name` several. `{a.b}` in a template is the value at `$.a.b`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from worker.connectors.mail.html_visible import html_text

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d{1,4})\]|\['([^']{1,100})'\]|\[(\*)\]")
_PLACE = re.compile(r"\{([A-Za-z_][\w.\[\]*'-]{0,199})\}")
_ALL = object()

Steps = tuple[str | int | object, ...]


def steps_of(path: str) -> Steps:
    """The steps of a path. Raises `ValueError` where it is none."""
    if not path.startswith("$"):
        raise ValueError(f"{path!r} is not a path: a path starts with $")
    steps: list[str | int | object] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ValueError(f"{path!r} is not a path from character {at + 1}")
        name, index, quoted, every = found.groups()
        steps.append(_ALL if every else int(index) if index else name or quoted)
        at = found.end()
    return tuple(steps)


def value_at(document: Any, steps: Steps) -> Any:
    """The value, or None where the document has none; a list where the path names several."""
    for number, step in enumerate(steps):
        if step is _ALL:
            items = document if isinstance(document, list) else []
            return [found for item in items if (found := value_at(item, steps[number + 1 :])) is not None]
        if isinstance(step, int):
            document = document[step] if isinstance(document, list) and step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def as_text(value: Any) -> str:
    """How a value reads in a text: lists with commas, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value)
    return str(value)


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    const: str | int | float | bool | None = None
    map: Mapping[str, str] | None = None
    default: str | int | float | bool | None = None
    html: bool = False

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
        return html_text(as_text(found)) if self.html else found


class Condition(BaseModel):
    """`{path: $.action, one_of: [opened]}`: the value's text is one of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    one_of: Annotated[list[str], Field(min_length=1)]

    def holds(self, document: Any) -> bool:
        """Whether the document is meant."""
        return as_text(value_at(document, steps_of(self.path))) in self.one_of
