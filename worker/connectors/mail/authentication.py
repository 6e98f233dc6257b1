"""Whether a mail is from whom it says: by what a trusted host has found (RFC 8601), compared as DMARC does (RFC 7489).

Only the topmost `Authentication-Results` of a trusted host counts: a sender can write further ones, below it. A trusted
host removes those that came with the name of its own (RFC 8601, 5).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from email.message import Message

from worker.connectors.mail.headers import addresses, raw_text

_RESULT = re.compile(
    r"\s*([a-z][a-z0-9-]{0,30})\s*(?:/\s*\d{1,4}\s*)?=\s*([a-z]{1,20})\b(.*)", re.IGNORECASE | re.DOTALL
)
_PROPERTY = re.compile(r"(?<!\S)([a-z]{1,20}\.[a-z0-9_-]{1,30})\s*=\s*([^\s;]{1,400})", re.IGNORECASE)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True, slots=True)
class _Result:
    """What one method found. said: its properties, such as `header.d`, in lower case."""

    method: str
    verdict: str
    said: dict[str, str]


def authenticated_sender(message: Message, trusted: Collection[str]) -> str:
    """The address of a mail whose domain has proved to have sent it; "" for any other. trusted: names of hosts."""
    if sum(name.lower() == "from" for name, _ in message.raw_items()) != 1:
        return ""
    senders = [address for _, address in addresses(message, "From")]
    if len(senders) != 1:
        return ""
    domain = senders[0].rpartition("@")[2]
    return senders[0] if domain and _is_aligned(_results(message, trusted), domain) else ""


def _results(message: Message, trusted: Collection[str]) -> list[_Result]:
    """Of the topmost field of a trusted host."""
    named = {name.lower() for name in trusted}
    for name, value in message.raw_items():
        if name.lower() != "authentication-results":
            continue
        host, *found = _pieces(raw_text(value))
        if (host.split() or [""])[0].lower() in named:
            return [_result(*one.groups()) for one in map(_RESULT.match, found) if one]
    return []


def _pieces(said: str) -> list[str]:
    """The parts between semicolons. Comments and what is quoted are left out: a sender chooses what stands there."""
    said = re.sub(r"\\.", "", _QUOTED.sub("?", said))
    kept, depth = list[str](), 0
    for part in re.split(r"([()])", said):
        if part == "(":
            depth += 1
        elif part == ")":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(part)
    return " ".join(kept).split(";")


def _result(method: str, verdict: str, rest: str) -> _Result:
    """One that gives a property twice has none."""
    pairs = [(name.lower(), value.lower()) for name, value in _PROPERTY.findall(rest)]
    said = dict(pairs)
    return _Result(method.lower(), verdict.lower(), said if len(said) == len(pairs) else {})


def _is_aligned(results: list[_Result], domain: str) -> bool:
    """By DMARC where the domain has a policy, else by a signature or a path of the very domain."""
    policies = [one.verdict for one in results if one.method == "dmarc" and one.said.get("header.from") == domain]
    if any(verdict != "none" for verdict in policies):
        return all(verdict == "pass" for verdict in policies)
    return any(one.verdict == "pass" and domain in _proved(one) for one in results)


def _proved(one: _Result) -> set[str]:
    names = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}.get(one.method, ())
    return {one.said[name].rpartition("@")[2] for name in names if name in one.said}
