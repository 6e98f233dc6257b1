"""Cells of a CSV file that no spreadsheet takes for a formula: what is exported came from outside."""

FORMULA = frozenset("=+-@＝＋－＠")  # noqa: RUF001 - spreadsheets read the full-width signs as these
CONTROLS = frozenset("\t\r\n")


def guarded(text: str) -> str:
    """The text, with a quote before what would begin a formula.

    OWASP, CSV Injection: =, +, -, @, tab and carriage return begin one, as do the full-width signs.
    """
    begins = text[:1] in CONTROLS or text.lstrip()[:1] in FORMULA
    return ("'" if begins and text else "") + text
