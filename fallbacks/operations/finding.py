"""What is unusual, as a value: in words, with the command that shows it and the one that acts on it."""

from dataclasses import dataclass

from fallbacks.plan import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """name: of its kind. weight: how bad, among those as severe. see: the command that shows it.

    act: the one that mends it, or the first step. advice: what no command does, "" where nothing is left.
    """

    name: str
    severity: Severity
    weight: float
    what: str
    see: str
    act: str
    advice: str = ""


def error(name: str, what: str, *, see: str, act: str, weight: float = 1.0, advice: str = "") -> Finding:
    """Somebody should get up."""
    return Finding(name, Severity.ERROR, weight, what, see, act, advice)


def warning(name: str, what: str, *, see: str, act: str, weight: float = 1.0, advice: str = "") -> Finding:
    """Look today."""
    return Finding(name, Severity.WARNING, weight, what, see, act, advice)
