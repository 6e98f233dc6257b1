"""Working through the inbox by keyboard: one item at a time, the cause first, the next one at once."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from fallbacks.errors import Stale, UnknownTicket
from fallbacks.ledger.acts import Act
from worker.cli.cards import call_card, cause_card, decision_card, ticket_card, timeline_table
from worker.cli.context import Session, publish_hint
from worker.cli.output import say, show
from worker.cli.people.items import outcome_line
from worker.cli.tickets.show import Story, read_story, unread

if TYPE_CHECKING:
    from fallbacks.ledger.views import TicketView
    from tasks.run.process import Choice

SNOOZE_SECONDS = 3600.0
MOST_ALIKE = 9
HELP = (
    "a approve   1-9 that one   l type another   x reject with a reason   r send back with a note",
    "s snooze an hour   n next, leave it   z undo the last decision   t timeline   ? keys   q quit",
)


class Keys(Protocol):
    """What a terminal gives. `keyboard.py` is the real one."""

    def key(self) -> str: ...

    def line(self, prompt: str) -> str | None: ...


class After(Enum):
    """What follows a key."""

    STAY = auto()
    NEXT = auto()
    QUIT = auto()


@dataclass(slots=True)
class Drain:
    """One person's pass through the inbox. skipped: not offered again in this pass. decided: what z can undo."""

    session: Session
    keys: Keys
    person: str
    facet: str | None = None
    skipped: list[str] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    handled: int = 0
    back_to: str | None = None

    def go(self) -> None:
        """Until nothing waits, or the person quits."""
        say(*HELP)
        while (story := self._next_story()) is not None:
            choices = self._show(story)
            while (after := self._press(story, choices)) is After.STAY:
                pass
            if after is After.QUIT:
                break
        else:
            say("nothing waits that nobody holds")
        say(f"{self.handled} handled, {len(self.skipped)} left for later")

    def _next_story(self) -> Story | None:
        inbox = self.session.parts.inbox
        view: TicketView | None
        if self.back_to is not None:
            view, self.back_to = self.session.run(inbox.claim(self.back_to, self.person)), None
        else:
            view = self.session.run(inbox.next(self.person, self.facet, self.skipped))
        return self.session.run(read_story(self.session.parts, view.id)) if view else None

    def _show(self, story: Story) -> "tuple[Choice, ...]":
        view, process = story.view, self.session.parts.process
        show("", cause_card(story.card, view), ticket_card(view, unread(view), process))
        if view.call:
            show(call_card(view.call))
        if view.decision:
            show(decision_card(view, process))
        if view.ticket is None:
            return ()
        choices = (*self._suggested(view), *process.likely(view.ticket, view.decision, story.checkpoint.context, {}))
        say(*(f"  {number} {choice.name}" for number, choice in enumerate(choices[:MOST_ALIKE], 1)))
        return choices[:MOST_ALIKE]

    def _suggested(self, view: "TicketView") -> "list[Choice]":
        process = self.session.parts.process
        key = process.key(view.decision) if view.decision else None
        return [choice for choice in process.choices if choice.name == key]

    def _press(self, story: Story, choices: "tuple[Choice, ...]") -> After:
        """Read one key and do what it means. What changed meanwhile is said, and the next item shown."""
        key = self.keys.key()
        try:
            if key.isdigit() and 0 < int(key) <= len(choices):
                return self._decide(story.view, choices[int(key) - 1])
            action = self._actions().get(key)
            return action(story) if action else After.STAY
        except (Stale, UnknownTicket) as error:
            say(str(error))
            self.skipped.append(story.view.id)
            return After.NEXT
        except ValueError as error:
            say(str(error))
            return After.STAY

    def _actions(self) -> dict[str, Callable[[Story], After]]:
        return {
            "a": self._approve,
            "l": self._type,
            "x": self._reject,
            "r": self._resume,
            "s": self._snooze,
            "n": self._leave,
            "z": self._undo,
            "t": self._timeline,
            "?": self._help,
            "q": self._quit,
        }

    def _approve(self, story: Story) -> After:
        view, inbox = story.view, self.session.parts.inbox
        if view.call:
            approval = inbox.approve_call(view.id, self.person, view.version, view.call.digest)
            self._do(approval, "has its call approved")
            self.session.run(publish_hint(self.session.parts, [view.id]))
            return After.NEXT
        self._do(self.session.parts.inbox.approve(view.id, self.person, view.version), "approved")
        self.decided.append(view.id)
        return After.NEXT

    def _decide(self, view: "TicketView", choice: "Choice") -> After:
        from fallbacks.inbox.decisions import read_hand

        inbox, process = self.session.parts.inbox, self.session.parts.process
        if view.decision and process.key(view.decision) == choice.name:
            self._do(inbox.approve(view.id, self.person, view.version), "approved")
        else:
            given = read_hand(process, choice.given)
            self._do(inbox.decide(view.id, self.person, view.version, given), "decided")
        self.decided.append(view.id)
        return After.NEXT

    def _type(self, story: Story) -> After:
        process = self.session.parts.process
        typed = self.keys.line(f"{process.keyed_by}: ")
        if not typed:
            return After.STAY
        alike = [choice for choice in process.choices if typed.lower() in choice.name.lower()]
        exactly = [choice for choice in alike if choice.name == typed]
        if exactly or len(alike) == 1:
            return self._decide(story.view, (exactly or alike)[0])
        names = ", ".join(choice.name for choice in alike[:MOST_ALIKE])
        say(f"{len(alike)} {process.keyed_by}s hold {typed!r}" + (f": {names}" if alike else ""))
        return After.STAY

    def _reject(self, story: Story) -> After:
        if story.view.call:
            return self._refuse(story.view, story.view.call.digest)
        if Act.REJECT not in story.card.actions:
            say("there is no suggestion to reject: decide it, or send it back")
            return After.STAY
        why = self.keys.line("why: ")
        if not why:
            return After.STAY
        view = story.view
        self._do(self.session.parts.inbox.reject(view.id, self.person, view.version, why), "rejected")
        return self._put_back(view.id)

    def _refuse(self, view: "TicketView", digest: str) -> After:
        if not (why := self.keys.line("why, for the agent: ")):
            return After.STAY
        self._do(
            self.session.parts.inbox.reject_call(view.id, self.person, view.version, digest, why),
            "has its call refused",
        )
        self.session.run(publish_hint(self.session.parts, [view.id]))
        return After.NEXT

    def _resume(self, story: Story) -> After:
        hint = self.keys.line("hint: ")
        if hint is None:
            return After.STAY
        view, parts = story.view, self.session.parts
        self._do(parts.inbox.resume(view.id, self.person, view.version, hint, parts.settings.limits), "sent back")
        self.session.run(publish_hint(parts, [view.id]))
        return After.NEXT

    def _snooze(self, story: Story) -> After:
        view = story.view
        self._do(self.session.parts.inbox.snooze(view.id, self.person, view.version, SNOOZE_SECONDS), "snoozed")
        return After.NEXT

    def _leave(self, story: Story) -> After:
        return self._put_back(story.view.id)

    def _undo(self, story: Story) -> After:
        if not self.decided:
            say("nothing to undo in this pass")
            return After.STAY
        undone = self.decided.pop()
        self._do(self.session.parts.inbox.undo(undone, self.person, None), "undone", handled=-1)
        self._release(story.view.id)
        self.back_to = undone
        return After.NEXT

    def _timeline(self, story: Story) -> After:
        show(timeline_table(story.lines))
        return After.STAY

    def _help(self, _: Story) -> After:
        say(*HELP)
        return After.STAY

    def _quit(self, story: Story) -> After:
        self._release(story.view.id)
        return After.QUIT

    def _put_back(self, ticket_id: str) -> After:
        """Free for others, and not offered again in this pass."""
        self.skipped.append(ticket_id)
        self._release(ticket_id)
        return After.NEXT

    def _release(self, ticket_id: str) -> None:
        try:
            self.session.run(self.session.parts.inbox.release(ticket_id, self.person))
        except (Stale, UnknownTicket):
            return  # it is nobody's any more, which is what was wanted

    def _do(self, work: "Coroutine[Any, Any, TicketView]", did: str, *, handled: int = 1) -> None:
        say(outcome_line(self.session.run(work), did, self.session.parts.process))
        self.handled += handled
