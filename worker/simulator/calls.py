"""The simulator's own record: who asked, what was answered whole. Tests hold the product's ledger against them."""

from collections import Counter
from typing import Any


class CallBook:
    """Counts per ticket id (`metadata.user_id`; "" where the request names none).

    A reply is finished once its last byte was handed to the connection: that is a call the real API would bill.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.finished: Counter[tuple[str, int]] = Counter()
        self.tokens: Counter[str] = Counter()
        self.total_requests = 0
        self.total_finished = 0
        self.in_flight = 0
        self.peak_in_flight = 0

    def finish(self, ticket_id: str, messages: int, usage: dict[str, int]) -> None:
        """A well-formed reply to a history of this many messages went out whole."""
        self.total_finished += 1
        self.finished[ticket_id, messages] += 1
        self.tokens.update(usage)

    def enter(self, ticket_id: str) -> None:
        """A valid request has arrived and is being answered."""
        self.total_requests += 1
        self.requests[ticket_id] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def leave(self) -> None:
        """It is answered, or gone."""
        self.in_flight -= 1

    def report(self) -> dict[str, Any]:
        """Everything, as JSON. `repeated` lists histories whose finished reply was asked for more than once."""
        histories = [
            {"ticket": ticket, "messages": messages, "finished": times}
            for (ticket, messages), times in self.finished.items()
        ]
        finished_by_ticket: Counter[str] = Counter()
        for (ticket, _), times in self.finished.items():
            finished_by_ticket[ticket] += times
        return {
            "total": {"requests": self.total_requests, "finished": self.total_finished},
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "tokens": dict(self.tokens),
            "tickets": {
                ticket: {"requests": times, "finished": finished_by_ticket[ticket]}
                for ticket, times in self.requests.items()
            },
            "histories": histories,
            "repeated": [history for history in histories if int(str(history["finished"])) > 1],
        }
