"""Personal data in text, masked in place: card numbers, IBANs, e-mail addresses, telephone and social security numbers.

Every letter and digit of what is found becomes an `x` and nothing else changes, so that a place in the masked text is
the same place in the text, and its shape still says what stood there. No pattern spans two lines.
"""

import re
from collections.abc import Callable

_START = r"(?:(?<![^\W_])|(?<=\\[nrt]))"
"""Not inside a word; or after a line break written as JSON does, in which tools answer."""
_END = r"(?![^\W_])"

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}")
_IBAN = re.compile(_START + r"[A-Za-z]{2}[0-9]{2}(?: ?[A-Za-z0-9]){11,60}")
_DIGITS = re.compile(_START + r"[0-9](?:[ -]?[0-9]){12,}" + _END)
_PHONE = re.compile(
    r"(?:(?<![\w+])\+|" + _START + r"00)[1-9](?:[ .()/-]{0,3}[0-9]){7,14}" + _END  # +44 (0)20 7946 0958
    + "|" + _START + r"0(?:[ ./-]?[0-9]){8,11}" + _END  # 020 7946 0958
    + "|" + r"(?:\([0-9]{3}\) ?|" + _START + r"[0-9]{3}[-. ])[0-9]{3}[-. ][0-9]{4}" + _END  # (212) 555-0100
)  # fmt: skip
_SOCIAL_SECURITY = re.compile(_START + r"[0-9]{3}-[0-9]{2}-[0-9]{4}" + _END)

_CARD_DIGITS = range(13, 20)
_IBAN_CHARS = range(15, 35)
_LEAST_DIGITS = 9
"""Below it there is not a number to look for."""

_AS_NUMBER = {ord(letter): str(int(letter, 36)) for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}
"""ISO 13616: A is 10, Z is 35."""

_ALNUM = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"[0-9]")


def redact(text: str) -> str:
    """The text with personal data masked: as long as it was, and unchanged where there is none."""
    if "@" in text:
        text = _EMAIL.sub(_masked, text)
    if len(_DIGIT.findall(text)) < _LEAST_DIGITS:
        return text
    text = _IBAN.sub(_any_part(_IBAN_CHARS, _is_iban), text)
    text = _DIGITS.sub(_any_part(_CARD_DIGITS, _is_card), text)
    text = _SOCIAL_SECURITY.sub(_masked, text)
    return _PHONE.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    return _mask(found[0])


def _mask(text: str) -> str:
    return _ALNUM.sub("x", text)


def _any_part(lengths: range, proves: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    """Masks the parts of a match that satisfy a checksum: a number's neighbours may be numbers, or words, too.

    lengths: characters of such a number, without the spaces and hyphens between its groups.
    """

    def masked(found: re.Match[str]) -> str:
        groups = re.split(r"([ -])", found[0])  # group, separator, group, ...
        first = 0
        while first < len(groups):
            last = _proved(groups, first, lengths, proves)
            if last is not None:
                groups[first : last + 1] = [_mask(group) for group in groups[first : last + 1]]
                first = last
            first += 2
        return "".join(groups)

    return masked


def _proved(groups: list[str], first: int, lengths: range, proves: Callable[[str], bool]) -> int | None:
    """Index of the last group of the longest proved number that starts with group `first`."""
    joined, best = "", None
    for last in range(first, len(groups), 2):
        joined += groups[last]
        if len(joined) >= lengths.stop:
            break
        if len(joined) in lengths and proves(joined):
            best = last
    return best


def _is_card(digits: str) -> bool:
    """Luhn's checksum (ISO/IEC 7812-1), and a first digit that card networks use."""
    if digits[0] not in "23456":
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """ISO 13616: moved round and read as a number it leaves 1 when divided by 97."""
    if not (text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return int((text[4:] + text[:4]).translate(_AS_NUMBER)) % 97 == 1
