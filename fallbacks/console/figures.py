"""Numbers, money and times as people read them, in the language spoken."""

from datetime import UTC, datetime

from babel.dates import format_date
from babel.numbers import format_decimal
from markupsafe import Markup

from fallbacks.console.languages import here
from tasks.language import N_, _, spoken, translated
from tasks.money import shown_usd


def count(number: int) -> str:
    """A whole number."""
    return spoken().number(number)


def amount(number: float) -> str:
    """With one digit after the point, where it has one."""
    return decimal(number, "#,##0.#")


def decimal(number: float, form: str) -> str:
    """By a pattern of CLDR."""
    return str(format_decimal(number, form, locale=here().locale))


def percent(share: float, digits: int = 0) -> str:
    """A share of 1 in percent."""
    return decimal(share * 100, "0.0" if digits else "0") + " %"


def measured(number: float, dollar_digits: int = 0) -> str:
    """A limit or what was used of it. dollar_digits: of an amount of dollars, 0 for what is no money."""
    if not dollar_digits:
        return amount(number)
    return spoken().usd(f"{number:.{dollar_digits}f}")


def usd(nanodollars: int) -> str:
    """Nanodollars as dollars, with more digits where they are few."""
    return shown_usd(nanodollars)


def lasting(milliseconds: float) -> str:
    """A length of time in one unit, e.g. `3 min`; of either sign."""
    seconds = abs(milliseconds) / 1000
    if seconds >= 86_400:
        return _("%(time)s d", time=round(seconds / 86_400))
    if seconds >= 3600:
        return _("%(time)s h", time=round(seconds / 3600))
    if seconds >= 60:
        return _("%(time)s min", time=round(seconds / 60))
    return _("%(time)s s", time=round(seconds))


def took(seconds: float) -> str:
    """How long a step took."""
    if seconds >= 60:
        return lasting(seconds * 1000)
    if seconds >= 0.1:
        return _("%(time)s s", time=decimal(seconds, "0.0"))
    return _("%(time)s ms", time=round(seconds * 1000))


def weekday(date: datetime) -> str:
    """Its short name."""
    return str(format_date(date, "ccc", locale=here().locale))


def iso(at_ms: int) -> str:
    """Store time for machines."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")


def clock(at_ms: int) -> Markup:
    """When, as a clock shows it; the page's script makes it the browser's own time."""
    return _moment(at_ms, "%H:%M:%S", "clock")


def day_time(at_ms: int) -> Markup:
    """When, with the day."""
    return _moment(at_ms, "%Y-%m-%d %H:%M", "day")


def second(at_ms: int) -> Markup:
    """When, with the day, to the second."""
    return _moment(at_ms, "%Y-%m-%d %H:%M:%S", "second")


def _moment(at_ms: int, form: str, shown_as: str) -> Markup:
    shown = datetime.fromtimestamp(at_ms / 1000, UTC).strftime(form)
    return Markup('<time datetime="{}" title="{}" data-at="{}">{} UTC</time>').format(
        iso(at_ms), iso(at_ms), shown_as, shown
    )


AGES = {
    "bare": N_("%(time)s"),
    "ago": N_("%(time)s ago"),
    "waiting": N_("waiting %(time)s"),
    "left": N_("%(time)s"),
    "due": N_("due in %(time)s"),
    "late": N_("%(time)s late"),
    "accepted": N_("accepted %(time)s ago"),
    "signed in": N_("signed in %(time)s ago"),
    "bounced": N_("a mail to this address came back %(time)s ago"),
    "snoozed": N_("snoozed, %(time)s"),
    "snoozed for": N_("snoozed for %(time)s"),
}
"""What is said of how far a moment is from now."""


def age(at_ms: int, now_ms: int, form: str) -> Markup:
    """How far a moment is from now, in one of the forms; it goes on while the page is looked at."""
    said = translated(AGES[form])
    shown = said % {"time": lasting(at_ms - now_ms)}
    return Markup('<time datetime="{}" title="{}" data-said="{}">{}</time>').format(iso(at_ms), iso(at_ms), said, shown)
