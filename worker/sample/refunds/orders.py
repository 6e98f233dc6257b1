"""The orders of the sample's shop, and three tickets about them."""

from typing import Any

from worker.sample.refunds.ports import Order

ORDERS = {
    order.id: order
    for order in (
        Order("A-1001", "c-1", "a kettle", 3999, 0),
        Order("A-1002", "c-2", "two lamps", 8400, 8400),
        Order("A-1003", "c-3", "a rug", 12900, 2000),
    )
}

TICKETS: tuple[dict[str, Any], ...] = (
    {
        "ticket": {
            "id": "refund-1",
            "source": "triage",
            "subject": "Refund for order A-1001",
            "body": "The kettle of order A-1001 leaks. Please pay me back the 39.99 EUR.",
            "requester": {"id": "c-1", "name": "Ada"},
            "metadata": {"label": "request_refund"},
        },
        "outcome": "refunded",
    },
    {
        "ticket": {
            "id": "refund-2",
            "source": "triage",
            "subject": "My money",
            "body": "I still wait for my money for the lamps, order A-1002.",
            "requester": {"id": "c-2", "name": "Ben"},
            "metadata": {"label": "request_refund"},
        },
        "outcome": "not_refundable",
    },
    {
        "ticket": {
            "id": "refund-3",
            "source": "triage",
            "subject": "Wrong colour",
            "body": "The rug of order A-1003 has the wrong colour, I would keep it for 25 EUR back.",
            "requester": {"id": "c-3", "name": "Cleo"},
            "metadata": {"label": "request_refund"},
        },
        "outcome": "refunded",
    },
)
"""What triage labelled as a request for a refund, and what must come of each where its call is approved: the process's
evaluation.
"""
