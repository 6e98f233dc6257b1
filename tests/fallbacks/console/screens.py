"""Every screen of the console, filled, for tests that hold for all of them."""

from collections.abc import Callable

from playwright.sync_api import Page

from fallbacks.ledger.states import Closed
from tasks.conversation import Message
from tasks.reasons import Reason
from tasks.ticket import Attachment, Ticket
from tasks.triage.process import HandDecision
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door

FILES = (Attachment(name="broken card.jpg", type="image/jpeg", size=120_000),)

FAILURES = (
    (Reason.STEP_LIMIT, "8 of 8 model calls used"),
    (Reason.MODEL_OVERLOADED, "529 overloaded_error, nine tries"),
    (Reason.MODEL_OVERLOADED, "529 overloaded_error, nine tries"),
    (Reason.LOOP_DETECTED, "find_similar_tickets was called three times with the same result"),
)


def fill(door: Door, agent: Agent, made: Callable[..., Ticket], **fields: object) -> dict[str, str]:
    """Put something on every screen; returns the addresses by name. fields: of every ticket."""

    def ticket() -> Ticket:
        return made(**fields)

    labels = ("card_arrival", "lost_or_stolen_card", "card_not_working", "card_arrival")
    suggested = [door.run(agent.suggest(ticket(), label, 0.97 - 0.06 * n)) for n, label in enumerate(labels)]
    failed = [door.run(agent.hand_off(ticket(), reason, detail)) for reason, detail in FAILURES]
    draft = door.run(agent.hand_off(ticket(), Reason.LOW_CONFIDENCE, "0.44 of 0.60 needed", label="card_arrival"))
    raw = str(fields.get("body", '{"subject": 7, "body": "where is it"}'))
    door.run(agent.reject("rej_1", raw, f"ticket.subject: Input should be a valid string ({raw[:200]})"))
    decided = door.run(agent.suggest(ticket(), "card_arrival"))
    door.run(door.inbox.decide(decided, "rita", None, HandDecision(label="card_not_working", rationale=raw[:500])))
    again = door.run(agent.suggest(ticket(), "card_arrival"))
    door.run(door.inbox.decide(again, "rita", None, HandDecision(label="card_not_working")))
    for number in range(4):
        prize = made(**{"body": f"You have won a prize of {number} euros, click the link to claim it", **fields})
        door.run(door.inbox.close(door.run(agent.suggest(prize, "card_arrival")), "rita", None, Closed.SPAM))
    for _ in range(6):
        door.run(door.inbox.approve(door.run(agent.suggest(ticket(), "card_arrival")), "rita", None))
    door.run(door.inbox.note(failed[0], "olga", raw[:1000]))
    door.run(door.inbox.note(failed[0], "olga", f"@ada, is this ours? {raw[:500]}"))
    talk = door.run(agent.hand_off(ticket(), Reason.LOW_CONFIDENCE, "0.44 of 0.60 needed", label="card_arrival"))
    for number, body in enumerate((raw[:2000], "> Where is it?\n\nIt came, thank you, but broken.", "Thanks!")):
        door.run(door.talk.add(talk, Message(id=f"m{number}", body=body, attachments=FILES[:number]), door="mail"))
    return {
        "inbox": "/inbox",
        "done today": "/inbox/today",
        "suggestion": f"/tickets/{suggested[0]}",
        "handed off": f"/tickets/{failed[0]}",
        "draft": f"/tickets/{draft}",
        "rejected": "/tickets/rej_1",
        "decided": f"/tickets/{decided}",
        "conversation": f"/tickets/{talk}",
        "work": "/work",
        "search": "/search?q=card+not&state=waiting",
        "mentions": "/mentions",
        "overview": "/overview",
        "people": "/people",
        "groups": "/groups",
        "group": "/groups/model_overloaded",
        "labels": "/labels",
        "operations": "/operations",
        "tools": "/tools",
        "log": "/operations/log",
        "who may sign in": "/admin",
        "keys": "/admin/keys",
        "settings": "/settings",
        "missing": "/tickets/nobody",
    }


def unfold(page: Page) -> None:
    """Open all that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.name = ''; one.open = true; })")
