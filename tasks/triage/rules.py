"""What the taxonomy's rules make of a suggestion, whatever the model says. Pure.

Rules read the ticket and the customer's record, which was looked up by the envelope's customer id before the first
model call. They raise a priority and never lower it; they may keep a decision from being made without a person.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tasks.ticket import Priority, Ticket
from tasks.triage.taxonomy import PriorityRule, Taxonomy

_RANK = {priority: rank for rank, priority in enumerate(Priority)}

NO_RECORD = "the customer's record could not be read, and the rules have one for {} customers"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What stands after the rules. raised: why the priority is above the suggested one. person: why a person must
    decide; empty where the rules ask for none. Both in words.
    """

    priority: Priority
    raised: tuple[str, ...] = ()
    person: tuple[str, ...] = ()


def ruled(suggested: Priority, team: str, ticket: Ticket, taxonomy: Taxonomy, context: str | None) -> Ruling:
    """The highest of what was suggested, what upstream set and what the rules demand; and whether a person must decide.

    team: the suggested one, "" where nothing is suggested. context: the prefetch's result as JSON text, None before it.
    Where the customer's record could not be read, no rule for a tier raises anything, and a person decides.
    """
    tier = customer_tier(ticket, context) if any(rule.customer_tiers for rule in taxonomy.priority_rules) else ""
    demands = [] if ticket.priority is None else [(ticket.priority, f"the sender asked for {ticket.priority.value}")]
    person: list[str] = []
    for rule in taxonomy.priority_rules:
        said = _said(rule, ticket.text)
        if said is None:
            continue
        if rule.customer_tiers and tier is None:
            person.append(NO_RECORD.format(" or ".join(rule.customer_tiers)))
        elif not rule.customer_tiers or _folded(tier or "") in map(_folded, rule.customer_tiers):
            why = " and ".join(_causes(said, tier if rule.customer_tiers else ""))
            if rule.priority is not None:
                demands.append((rule.priority, why))
            person += _demanded(rule, why, team)
    highest = max([suggested, *(priority for priority, _ in demands)], key=_RANK.__getitem__)
    raised = [why for priority, why in demands if priority is highest is not suggested]
    return Ruling(highest, tuple(dict.fromkeys(raised)), tuple(dict.fromkeys(person)))


def customer_tier(ticket: Ticket, context: str | None) -> str | None:
    """The tier in the customer's record; "" where the ticket names no customer or the directory knows none such.

    None where the record could not be read: the lookup failed, or was not made.
    """
    if ticket.requester is None or ticket.requester.id is None:
        return ""
    try:
        parts = json.loads(context or "")
    except ValueError:
        return None
    if not isinstance(parts, dict) or "error" in parts:
        return None
    customer = parts.get("customer", {"tier": ""})
    tier = customer.get("tier") if isinstance(customer, dict) else None
    return tier if isinstance(tier, str) else None


def _said(rule: PriorityRule, text: str) -> str | None:
    """The rule's word that the text has; "" for a rule without words, None where it has none of them."""
    if not rule.words:
        return ""
    found = _any_of(rule.words).search(text)
    return found[0] if found else None


@lru_cache(maxsize=256)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


def _causes(said: str, tier: str | None) -> Iterator[str]:
    if said:
        yield f"the ticket says “{said}”"
    if tier:
        yield f"the customer is {tier}"


def _demanded(rule: PriorityRule, why: str, team: str) -> Iterator[str]:
    if rule.person:
        yield why
    if rule.team and team and rule.team != team:
        yield f"{why}, which is for {rule.team}, and another team is suggested"


def _folded(tier: str) -> str:
    return " ".join(tier.split()).casefold()
