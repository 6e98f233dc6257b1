"""Deskhand over HTTP, as a help desk uses it, by a web process that comes and goes."""

from collections.abc import Iterator
from typing import Any

import httpx

LABELS = ("card_swallowed", "atm_support")
PAGE = 100


class WebDoor:
    """Raises `httpx.HTTPError` where there is no answer, or one that says so."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def accept(self, ticket_id: str) -> bool:
        """Whether it was new."""
        sent = {"id": ticket_id, "source": "chaos", "subject": f"Question {ticket_id}", "body": body_of(ticket_id)}
        answer = self._client.post("/v1/tickets", json=sent, headers={"Idempotency-Key": f"key-{ticket_id}"})
        answer.raise_for_status()
        return "idempotent-replayed" not in answer.headers

    def ticket(self, ticket_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"/v1/tickets/{ticket_id}")
        return found

    def act(self, path: str, view: dict[str, Any], **body: str) -> None:
        """By somebody who saw this; another answer than 200 shows in what the ticket is afterwards."""
        self._client.post(path, json={"version": view["version"], **body})

    def search(self, **query: str | int) -> Iterator[str]:
        """Ids, over all pages."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._get("/v1/tickets", limit=PAGE, **query, **({"cursor": cursor} if cursor else {}))
            yield from (one["id"] for one in page["tickets"])
            cursor = page["next"]

    def _get(self, path: str, **query: str | int) -> Any:
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()


def body_of(ticket_id: str) -> str:
    """A text with a word of its own."""
    return f"My card has not arrived yet, it was ordered two weeks ago. Order {word_of(ticket_id)}."


def word_of(ticket_id: str) -> str:
    return f"zq{ticket_id}x"


def another_label(view: dict[str, Any]) -> str:
    """Than the one that stands."""
    stands = (view["decision"] or {}).get("label")
    return next(label for label in LABELS if label != stands)
