"""Fields of a taxonomy's own: what a decision says besides its label, e.g. a language or an order number. Pure.

A pattern is matched by the engine of pydantic's core, the Rust crate `regex`, in time linear in the text: it has no
backreferences and no look-around, and what it cannot compile is refused with the file (https://docs.rs/regex).
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, TypeAdapter, ValidationError
from pydantic import model_validator as _model_validator

MOST_ITEMS = 20
LARGEST = 1e15
"""Above it a float skips whole numbers."""

Value = str | int | float | tuple[str, ...]
_Item = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class FieldType(StrEnum):
    """What a value is. list: of texts, each of `values` or fitting `pattern` where they are given."""

    ENUM = "enum"
    TEXT = "text"
    NUMBER = "number"
    LIST = "list"


class OwnField(BaseModel):
    """One field.

    required: no decision stands without it. values: those there are, of an enum or for a list. pattern: what a text, or
    each of a list, must match from end to end. max_length: of a text, and of each in a list. at_least, at_most: of a
    number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    description: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    type: FieldType
    required: StrictBool = False
    values: Annotated[tuple[_Item, ...], Field(max_length=200)] = ()
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    max_length: Annotated[int, Field(ge=1, le=500)] = 200
    at_least: Annotated[float, Field(ge=-LARGEST, le=LARGEST)] | None = None
    at_most: Annotated[float, Field(ge=-LARGEST, le=LARGEST)] | None = None

    @_model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        texts, numbers = self.type in (FieldType.TEXT, FieldType.LIST), self.type is FieldType.NUMBER
        if self.values and self.type not in (FieldType.ENUM, FieldType.LIST):
            raise ValueError("values belong to an enum or a list")
        if self.type is FieldType.ENUM and len(set(self.values)) < max(2, len(self.values)):
            raise ValueError("an enum needs two values or more, each once")
        if self.pattern is not None and (not texts or self.values):
            raise ValueError("a pattern belongs to a text, or to a list without values")
        if not numbers and not self.at_least is self.at_most is None:
            raise ValueError("at_least and at_most belong to a number")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most")
        try:
            self._matched  # noqa: B018 - compiles it
        except Exception as error:  # pydantic exports no name for what its core refuses
            raise ValueError(f"the pattern cannot be used: {str(error).splitlines()[-1].strip()[:200]}") from None
        return self

    @cached_property
    def _matched(self) -> TypeAdapter[str] | None:
        if self.pattern is None:
            return None
        TypeAdapter(Annotated[str, StringConstraints(pattern=self.pattern)])  # alone: no bracket may close the group
        return TypeAdapter(Annotated[str, StringConstraints(pattern=self._whole)])

    @property
    def _whole(self) -> str:
        return f"^(?:{self.pattern})$"

    def fault(self, value: Any) -> str | None:
        """What is wrong with a JSON value, in words; None where nothing is."""
        match self.type:
            case FieldType.NUMBER:
                return self._number_fault(value)
            case FieldType.LIST:
                if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_ITEMS:
                    return f"is not a list of 1 to {MOST_ITEMS} texts"
                return next((fault for each in value if (fault := self._text_fault(each))), None)
            case FieldType.TEXT | FieldType.ENUM:
                return self._text_fault(value)

    def _number_fault(self, value: Any) -> str | None:
        if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > LARGEST:
            return "is not a number"
        if self.at_least is not None and value < self.at_least:
            return f"is below {self.at_least:g}"
        return f"is above {self.at_most:g}" if self.at_most is not None and value > self.at_most else None

    def _text_fault(self, value: Any) -> str | None:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            return "is not a text of one line"
        if self.values and value not in self.values:
            return f"is not one of {', '.join(self.values)}"[:500]
        if len(value) > self.max_length:
            return f"is longer than {self.max_length} characters"
        try:
            if self._matched is not None:
                self._matched.validate_python(value)
        except ValidationError:
            return f"does not match {self.pattern}"
        return None

    def of_text(self, text: str) -> Any:
        """What a person typed, as a JSON value; a number that is none stays text, and is refused as such. "": null."""
        text = text.strip()
        if self.type is FieldType.LIST:
            return [part.strip() for part in text.split(",") if part.strip()] or None
        if self.type is FieldType.NUMBER and text:
            try:
                number = float(text)
            except ValueError:
                return text
            return int(number) if number.is_integer() and abs(number) <= LARGEST else number
        return text or None

    def same(self, suggested: Any, wanted: Any) -> bool:
        """Whether a suggested value is the wanted one; lists in any order, and none is none."""
        if self.type is FieldType.LIST:
            return set(suggested or ()) == set(wanted or ())
        return bool(suggested == wanted)

    def json_schema(self) -> dict[str, Any]:
        """As JSON Schema; null is what a ticket does not say."""
        of_each: dict[str, Any] = {"type": "string"}
        if self.values:
            of_each["enum"] = list(self.values)
        elif self.type is not FieldType.NUMBER:
            of_each["maxLength"] = self.max_length
        if self.pattern is not None:
            of_each["pattern"] = self._whole
        if self.type is FieldType.NUMBER:
            bounds = {"minimum": self.at_least, "maximum": self.at_most}
            of_each = {"type": "number", **{name: bound for name, bound in bounds.items() if bound is not None}}
        if self.type is FieldType.LIST:
            of_each = {"type": "array", "items": of_each, "maxItems": MOST_ITEMS}
        return {"anyOf": [of_each, {"type": "null"}], "description": self.description}


def shown_value(value: Any) -> str:
    """A value as a person reads and types it."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)


def read_values(known: Sequence[OwnField], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values that say something, in the taxonomy's order, and every fault as `fields.NAME: what is wrong`."""
    names = {each.name for each in known}
    faults = [f"fields.{name[:40]}: there is no such field" for name in given if name not in names]
    said = {each.name: given[each.name] for each in known if given.get(each.name) is not None}
    wrong = ((each.name, each.fault(said[each.name])) for each in known if each.name in said)
    return said, faults + [f"fields.{name}: {fault}" for name, fault in wrong if fault]


def schema_of(known: Sequence[OwnField]) -> dict[str, Any]:
    """All fields as one object. Each is named in every answer, so that leaving one out is a choice."""
    return {
        "type": "object",
        "description": "What the ticket says, field by field; null where it does not say. Never make a value up.",
        "properties": {each.name: each.json_schema() for each in known},
        "required": [each.name for each in known],
        "additionalProperties": False,
    }
