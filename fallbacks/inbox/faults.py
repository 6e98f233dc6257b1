"""What is wrong with what somebody typed, as pydantic found it, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.language import N_, _

MEANT = {
    "missing": N_("Field required"),
    "extra_forbidden": N_("Extra inputs are not permitted"),
    "string_type": N_("Input should be a valid string"),
    "string_too_short": N_("String should have at least %(min_length)s characters"),
    "string_too_long": N_("String should have at most %(max_length)s characters"),
    "enum": N_("Input should be %(expected)s"),
    "literal_error": N_("Input should be %(expected)s"),
    "int_parsing": N_("Input should be a valid integer, unable to parse string as an integer"),
    "json_invalid": N_("Invalid JSON: %(error)s"),
    "value_error": N_("Value error, %(error)s"),
}
"""By pydantic's name of a fault; any other is said in its own words."""


def in_words(faults: Iterable[Mapping[str, Any]], whole: str = "") -> str:
    """All of them. whole: what a fault of no one field is called, "" for nothing."""
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or whole}: {_said(fault)}" for fault in faults)


def _said(fault: Mapping[str, Any]) -> str:
    meant = MEANT.get(fault["type"])
    if meant is None or (meant == MEANT["string_too_short"] and fault["ctx"]["min_length"] == 1):
        return str(fault["msg"])
    return _(meant, **fault.get("ctx", {}))
