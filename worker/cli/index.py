"""What `deskhand --help` lists: each command, its panel, what it is for, and the module that brings it.

A help that imported every command's module would take three times as long. The line of a command is the first
paragraph of its own help; tests/worker/cli/test_index.py holds the two to one another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

OF: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Start": {
        "start.processes": {
            "demo": "Put real sample tickets on a real queue and show what becomes of them. Needs no key.",
            "up": (
                "Start the whole stack and keep it up: store (embedded unless DESKHAND_REDIS_URL is set), workers, web."
            ),
            "worker": "Become a Celery worker with the flags that measured best; prints the command line first.",
            "serve": "Serve `/v1`, health, metrics and the console on DESKHAND_HOST:DESKHAND_PORT until stopped.",
        },
        "start.simulator": {
            "simulator": (
                "Serve a simulated model until Ctrl-C: point ANTHROPIC_BASE_URL, or MAKE:ID@URL, at the URL it "
                "prints first."
            ),
        },
    },
    "Tickets": {
        "tickets.enqueue": {
            "enqueue": "Put tickets on the queue: written to the ledger first, published second.",
        },
        "tickets.cancel": {
            "cancel": "Withdraw a ticket that has not ended; its worker stops at its next write.",
        },
        "tickets.import_mail": {
            "import-mail": (
                "Make tickets of mails. Sending the same mail again changes nothing; what cannot be read is in "
                "the inbox, whole."
            ),
        },
        "tickets.listing": {
            "tickets": (
                "Tickets in the store by state, reason, requester, source and age: longest in their state first; "
                "until when."
            ),
        },
        "tickets.message": {
            "message": "Add what the requester wrote since; what it makes stale is withdrawn and worked anew.",
        },
        "tickets.search": {
            "search": (
                "Tickets by words of theirs or of who asks, those that have ended too, newest first. Without "
                "words, by the rest."
            ),
        },
        "tickets.show": {
            "show": (
                "Why a ticket is where it is: the cause, the limits used, the last steps, what to do next, then "
                "every event."
            ),
        },
    },
    "People": {
        "people.inbox": {
            "decide": "Decide by hand what is suggested, or otherwise.",
            "close": "End an item without a decision: spam, thanks, a duplicate, what a machine sent.",
            "correct": (
                "Another decision than the one that stands, of an archived ticket too; upstream gets "
                "`ticket.corrected`."
            ),
            "resume": "Send it back to the agent with fresh limits; finished model calls are not paid again.",
            "inbox": "What waits for a person: list, next, act on one, or work through it by keyboard.",
        },
        "people.export": {
            "export": (
                "Write people's decisions, a line each: the data the local model is trained and measured on; or "
                "the journal for auditors, which `deskhand audit --verify FILE` holds against its hashes."
            ),
        },
    },
    "Operations": {
        "operations.status": {
            "status": (
                "Tickets by state, oldest ages, workers, the inbox by reason, today's spend, pauses, and who "
                "switched what."
            ),
        },
        "operations.why": {
            "why": (
                "What is unusual now against the last day, worst first, each with the command that shows it and "
                "the one that acts."
            ),
        },
        "operations.audit": {
            "audit": (
                "Prove from the ledger that no ticket is lost, no cap exceeded, no amount open and no effect "
                "happened twice."
            ),
        },
        "operations.erase": {
            "erase": (
                "Erase texts, whatever has not ended being cancelled first. Structure, money and what evidence "
                "counts by stay."
            ),
        },
        "operations.capacity": {
            "capacity": (
                "Slots, processes, memory, store operations and dollars per day for a load, from measured constants."
            ),
        },
        "operations.doctor": {
            "doctor": (
                "Check settings, store, broker, models, receivers and workers; say what to change. Sends nothing "
                "to anybody."
            ),
        },
        "operations.drill": {
            "drill": (
                "Rehearse the failure plan in about two minutes: own store, own workers, own model; nothing live "
                "is touched."
            ),
        },
        "operations.tools": {
            "tools": "Tools of the agent: list, try, check, begin.",
        },
        "operations.control": {
            "pause": "Hold work: nothing new is started, what runs is finished, nothing is lost.",
            "unpause": "Let held work go on.",
            "autonomy": (
                "What the agent may do alone. `off` is the kill switch: looked at before every step, tickets go "
                "to people."
            ),
            "control": "Who switched what, and when.",
        },
        "operations.budget": {
            "budget": (
                "The budget of all workers together, or budget and rate of a source. A change rules the next "
                "call, or ticket."
            ),
        },
        "operations.spend": {
            "spend": (
                "Dollars by UTC day beside the budget, and today's against yesterday's by model, source and kind "
                "of decision."
            ),
            "senders": (
                "Who sends, and who floods: each requester's and source's share of what was accepted within an hour."
            ),
            "quality": (
                "Agreement and coverage by UTC day and version: of model, prompt, taxonomy and threshold together."
            ),
        },
        "operations.report": {
            "report": (
                "Answer what leads ask of ended tickets, from history: arrivals and ends, decisions and "
                "agreement, corrections, time, cost, hand-offs, and what the agent did alone. Views and columns "
                "for --sql: docker/HISTORY.md."
            ),
        },
        "operations.workers": {
            "drain": "Ask one worker to take no more work, give back what it runs at the next step, and end.",
        },
        "operations.retry": {
            "retry": (
                "Resume tickets with fresh limits. The first goes alone: only if it comes through, the others follow."
            ),
        },
        "operations.plan": {
            "plan": "What follows from each reason why a run could not finish; and which models are tried.",
        },
        "operations.history": {
            "history": "Where ended tickets live: its months, and what moves them.",
        },
        "operations.keys": {
            "keys": "API keys: create, list, rotate, revoke.",
        },
        "operations.webhooks": {
            "webhooks": "Outcome webhooks: list, send again.",
        },
        "operations.users": {
            "users": "Who may sign in to the console.",
        },
    },
    "Judgement": {
        "judgement.evaluate": {
            "eval": (
                "Accuracy, coverage at a precision with its bound, calibration, confusion, cost and latency, "
                "tier by tier."
            ),
        },
        "judgement.labels": {
            "labels": (
                "Labels that are confused, labels that may be missing, and those that came more or less often "
                "this week."
            ),
        },
        "judgement.train": {
            "train": (
                "Retrain the local model and promote it if learning beats the present one on decisions that "
                "neither had seen."
            ),
        },
        "judgement.replay": {
            "replay": (
                "Run a recorded ticket again without effects and without writing it down, and show what comes "
                "out otherwise."
            ),
        },
        "judgement.regress": {
            "regress": "Gate a change of model, taxonomy or prompt on the tickets that people decided.",
        },
        "judgement.prompts": {
            "prompts": "List the prompts that ever worked here, by version, with the time of their first use.",
        },
    },
}
"""Panel -> module in this package -> command -> what it is for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A command of the list. module: whose `register` brings it."""

    panel: str
    module: str
    help: str


def _listed() -> Iterator[tuple[str, Listed]]:
    for panel, modules in OF.items():
        for module, commands in modules.items():
            for name, what_for in commands.items():
                yield name, Listed(panel, f"worker.cli.{module}", what_for)


COMMANDS = dict(_listed())
"""By name."""
