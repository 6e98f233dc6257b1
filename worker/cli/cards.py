"""The cards of one ticket as Rich draws them: cause, ticket, decision, timeline. All text is cleaned on its way in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fallbacks.inbox.bounds import Waiting
from fallbacks.inbox.calls import said as as_typed
from fallbacks.inbox.evidence import evidence_spans
from fallbacks.inbox.explain import Explanation, StepSummary, Used
from fallbacks.inbox.narrate import Line, Tone
from fallbacks.inbox.ownership import owner_words
from fallbacks.inbox.said import Said
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import State
from tasks.money import format_usd, from_usd
from worker.cli.documents import moment, span
from worker.cli.output import Cell, Report
from worker.cli.printable import one_line, printable

if TYPE_CHECKING:
    from fallbacks.ledger.calls import PendingCall
    from fallbacks.ledger.views import TicketView
    from tasks.run.process import Process

LONGEST_BODY = 4000
"""Characters of a ticket on the screen; `--json` has all of them."""

_STATE_STYLES = {
    State.DECIDED: "green",
    State.SUGGESTED: "cyan",
    State.HANDED_OFF: "yellow",
    State.REJECTED: "red",
    State.CLOSED: "dim",
    State.CANCELLED: "dim",
}
_TONE_STYLES = {
    Tone.ROUTINE: "dim",
    Tone.PROGRESS: "",
    Tone.ATTENTION: "yellow",
    Tone.FAILURE: "red",
    Tone.PERSON: "cyan",
}


def cause_card(card: Explanation, view: "TicketView") -> Panel:
    """What a person reads first."""
    rows: list[tuple[str, object]] = []
    if card.reason:
        rows.append(("reason", card.reason.value))
    if card.detail:
        rows.append(("detail", card.detail))
    if card.failing_step:
        rows.append(("failed at", f"step {card.failing_step}"))
    rows += [("rules" if index == 0 else "", rule) for index, rule in enumerate(card.rules)]
    if card.bound:
        rows.append(("bound", card.bound))
    rows.append(("used", _used(card.usage)))
    rows.append(("waited", _waited(card.waiting)))
    rows += [("last steps" if index == 0 else "", _step(step)) for index, step in enumerate(card.last_steps)]
    rows.append(("next", card.next))
    headline = Text(one_line(card.headline), style="bold")
    style = _STATE_STYLES.get(view.state, "blue")
    return _panel(f"{view.id}  {view.state.value}", headline, _pairs(rows), style=style)


def ticket_card(view: "TicketView", unread: str, process: "Process", bounced_ms: int | None = None) -> Panel:
    """The ticket with the decision's evidence highlighted; a rejected message as it came. bounced_ms: when a mail to
    its requester came back.
    """
    if view.ticket is None:
        return _panel("the message as it came", Text(printable(unread[:LONGEST_BODY])))
    ticket = view.ticket
    envelope = [f"from {view.source}", f"priority {view.priority}", f"accepted {moment(view.accepted_ms)}"]
    if view.given:
        envelope.append(f"given to {owner_words(view.given)}")
    if view.assignee:
        envelope.append(f"assigned to {view.assignee}")
    if ticket.requester:
        who = ticket.requester
        envelope.append(f"requester {who.name or who.email or who.id}")
    if bounced_ms is not None:
        envelope.append(f"a mail to this address came back {moment(bounced_ms)}")
    if ticket.channel:
        envelope.append(f"by {ticket.channel}")
    quotes = process.quotes(view.decision) if view.decision else ()
    attached = [Text(f"attached: {one_line(one.shown, 200)}", style="dim") for one in ticket.attachments]
    shown = highlighted(ticket.text, quotes)
    return _panel("ticket", Text(one_line(", ".join(envelope)), style="dim"), shown, *attached)


def message_card(said: Said, view: "TicketView", process: "Process") -> Panel:
    """One message of the conversation, with the decision's evidence in it."""
    notes = [
        f"message {said.id}",
        f"written {moment(said.at_ms)}",
        f"by {said.door}",
        *([f"changed nothing: {said.quiet}"] if said.quiet else []),
    ]
    if said.id == view.last_message:
        notes.append("what the state follows from")
    quotes = process.quotes(view.decision) if view.decision else ()
    attached = [Text(f"attached: {one_line(one.shown, 200)}", style="dim") for one in said.attached.values()]
    envelope = Text(one_line(", ".join(notes)), style="dim")
    return _panel(f"added by {said.who}", envelope, highlighted(said.body, quotes), *attached)


def highlighted(text: str, quotes: Sequence[str]) -> Text:
    """The text, clean, with every quote marked; cut where it is very long."""
    shown, at = Text(), 0
    for start, end in evidence_spans(text, quotes):
        if start >= LONGEST_BODY:
            break
        shown.append(printable(text[at:start]))
        shown.append(printable(text[start:end]), style="bold black on yellow")
        at = end
    shown.append(printable(text[at : max(at, LONGEST_BODY)]))
    if max(at, LONGEST_BODY) < len(text):
        shown.append(f"\n… {len(text) - max(at, LONGEST_BODY)} more characters: see --json", style="dim")
    return shown


def decision_card(view: "TicketView", process: "Process") -> Panel:
    """What stands, or what is suggested."""
    decision: dict[str, Any] = view.decision or {}
    rows: list[tuple[str, object]] = list(process.shown(decision).items())
    by = f"{decision.get('decided_by')} ({decision.get('tier')}), confidence {decision.get('confidence')}"
    rows.append(("by", by))
    rows += [("quote" if index == 0 else "", f"“{quote}”") for index, quote in enumerate(process.quotes(decision))]
    return _panel("decision" if view.state is State.DECIDED else "suggestion", _pairs(rows))


def call_card(call: "PendingCall") -> Panel:
    """What would happen once a person approves it."""
    rows: list[tuple[str, object]] = [("tool", call.tool), ("at", call.target), ("asked", call.why)]
    rows += list(call.details.items())
    rows += [(f"given {name}", as_typed(value)) for name, value in call.arguments.items()]
    rows += [("changed by", call.edited_by)] if call.edited_by else []
    rows += [("until", moment(call.until_ms)), ("digest", call.digest)]
    return _panel("waits for approval", Text(one_line(call.does), style="bold"), _pairs(rows), style="yellow")


def timeline_table(lines: Sequence[Line]) -> Report:
    """Every event with its time, tokens, cost and latency; the time is relative to the first."""
    numeric = frozenset({"after", "tokens", "cost", "took"})
    table = Report(("#", "after", "event", "tokens", "cost", "took"), title="timeline", numeric=numeric)
    first = lines[0].at_ms if lines else 0
    for line in lines:
        tokens = "" if line.tokens_in is None else f"{line.tokens_in}+{line.tokens_out}"
        cost = "" if line.cost_nanodollars is None else format_usd(line.cost_nanodollars)
        took = "" if line.seconds is None else f"{line.seconds:.2f}s"
        text = f"{line.text} — {line.detail}" if line.detail else line.text
        after = f"+{(line.at_ms - first) / 1000:.1f}s"
        table.add(str(line.seq), after, Cell(text, _TONE_STYLES[line.tone]), tokens, cost, took)
    return table


def commands(card: Explanation, ticket_id: str, process: "Process") -> Text:
    """The commands for what a person may do now."""
    text, required = Text(), [name for name, field in process.hand.model_fields.items() if field.is_required()]
    fields = " ".join(f"--{name} {name.upper()}" for name in required)
    for action in card.actions:
        text.append(f"  deskhand {_COMMANDS[action].format(id=one_line(ticket_id), fields=fields)}\n", style="cyan")
    return text


_COMMANDS = {
    Act.APPROVE: "inbox approve {id}",
    Act.EDIT: "decide {id} {fields}",
    Act.APPROVE_CALL: "inbox approve-call {id}",
    Act.EDIT_CALL: "inbox edit-call {id} --set NAME=VALUE",
    Act.REJECT_CALL: "inbox reject-call {id} --why WHY",
    Act.REPAIR: "inbox repair {id} --file FILE",
    Act.REJECT: "inbox reject {id} --why WHY",
    Act.CLOSE: "close {id} --kind KIND",
    Act.CORRECT: "correct {id} {fields} --reason REASON",
    Act.RESUME: "resume {id} --hint HINT",
    Act.SNOOZE: "inbox snooze {id} --for 1h",
    Act.UNDO: "inbox undo {id}",
    Act.CANCEL: "cancel {id}",
}


def _panel(title: str, *parts: RenderableType, style: str = "none") -> Panel:
    return Panel(Group(*parts), title=Text(printable(title)), title_align="left", border_style=style, box=ROUNDED)


def _pairs(rows: Sequence[tuple[str, object]]) -> Table:
    """Names on the left, what they are on the right."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(one_line("" if value is None else value)))
    return grid


def _used(usage: Sequence[Used]) -> str:
    return ", ".join(_one_used(used) for used in usage)


def _one_used(used: Used) -> str:
    full = " (all)" if used.exhausted and used.used else ""
    if used.name == "dollars":
        limit = "" if used.limit is None else f" of {format_usd(from_usd(used.limit))}"
        return f"{format_usd(from_usd(used.used))}{limit}{full}"
    limit = "" if used.limit is None else f" of {used.limit:g}"
    return f"{used.used:g}{limit} {used.name}{full}"


def _waited(waiting: Waiting) -> str:
    limit = "" if waiting.limit_seconds is None else f" of {waiting.limit_seconds:g}"
    parks = "".join(f", {count} for {reason}" for reason, count in waiting.parks.items())
    return f"{waiting.seconds:.1f}{limit} seconds{parks}"


def _step(step: StepSummary) -> str:
    figures = f"{step.tokens} tokens, {format_usd(step.cost_nanodollars)}, {step.seconds:.2f}s"
    return f"{step.step}. {step.model} {step.did} [{figures}]"


def age(now_ms: int, since_ms: int | None) -> str:
    """How long ago, coarsely."""
    return "" if since_ms is None else span((now_ms - since_ms) / 1000)
