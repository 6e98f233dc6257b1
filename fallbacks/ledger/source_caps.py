"""What a source may spend, as set up; a cap that is set at run time goes before it (`lua/begin_step.lua`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceCaps:
    """Nanodollars of a UTC day, and of a UTC month; None for no cap."""

    day: int | None = None
    month: int | None = None


NO_CAPS = SourceCaps()
