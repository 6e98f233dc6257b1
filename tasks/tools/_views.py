"""What tools show of a record: few fields, clipped, so that a result costs few tokens and no more."""

from typing import Any

from tasks.tools.ports import Article, Customer, PastTicket

ARTICLE_CHARS = 300
TICKET_CHARS = 200
FIELD_CHARS = 40
FACET_CHARS = 80
MAX_FLAGS = 6


def clip(text: str, chars: int) -> str:
    """One line of at most `chars` characters."""
    line = " ".join(text[: chars * 4].split())
    return line if len(line) <= chars else line[: chars - 1].rstrip() + "…"


def customer_view(customer: Customer) -> dict[str, Any]:
    """What routing needs; the model learns neither the id nor the name."""
    return {
        "tier": clip(customer.tier, FIELD_CHARS),
        "country": clip(customer.country, FIELD_CHARS),
        "since": clip(customer.since, FIELD_CHARS),
        "flags": [clip(flag, FIELD_CHARS) for flag in customer.flags[:MAX_FLAGS]],
    }


def article_view(article: Article) -> dict[str, str]:
    """Title and the part that matched."""
    return {"title": clip(article.title, 80), "excerpt": clip(article.excerpt, ARTICLE_CHARS)}


def ticket_view(ticket: PastTicket) -> dict[str, str]:
    """What was said and what was decided; an undecided ticket has nothing of it."""
    facets = {name: clip(value, FACET_CHARS) for name, value in ticket.facets.items()}
    return {"text": clip(ticket.text, TICKET_CHARS), **facets}
