"""Working through the inbox by keyboard: one item at a time, the customer's words first, the next one at once."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from fallbacks.errors import Stale, UnknownTicket
from fallbacks.inbox.reach import Reach
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import INBOX, State
from worker.cli.cards import call_card, cause_card, decision_card, ticket_card, timeline_table
from worker.cli.context import Session, publish_hint
from worker.cli.options import seconds_of
from worker.cli.output import say, show
from worker.cli.people.asking import MOST_SHOWN, Keys, a_choice, a_group, one_of
from worker.cli.people.lists import act_on_many, search, show_ended
from worker.cli.people.many import SAID
from worker.cli.tickets.show import Story, read_story, unread

if TYPE_CHECKING:
    from fallbacks.ledger.views import TicketView
    from tasks.run.process import Choice

SNOOZE_SECONDS = 3600.0
DEAF_SECONDS = 1.5
"""After a key that means nothing here the next ones are not taken: they were meant to follow it."""

HELP = (
    "a approve   1-9 one of these   l find another   p another priority   x reject",
    "z close without a decision   r send back with a note   s snooze an hour   h snooze, with a time",
    "m assign to a person   g give to a team   / search   b many at once",
    "c note   n skip   u undo   e correct the last   t timeline   ? keys   q quit",
)
"""The same letters as in the console."""

AT_HAND = "a approve   1-9 l label   x reject   z close   r send back   n skip   ? all keys   q quit"

NOW = {State.HANDED_OFF: "it needs a person", State.QUEUED: "the agent works it", State.SUGGESTED: "it waits"}
"""Of an item that was acted on and is not decided."""


class After(Enum):
    """What follows a key."""

    STAY = auto()
    NEXT = auto()
    QUIT = auto()


@dataclass(slots=True)
class Drain:
    """One person's pass through the inbox. unseen: facets of items that they do not work on. skipped: not offered again
    in this pass. decided: what u can undo and e can correct at once, and what was done. did: how often, by what.
    priority: of what is decided next, "" as it comes.
    """

    session: Session
    keys: Keys
    person: str
    facet: str | None = None
    unseen: Sequence[str] = ()
    skipped: list[str] = field(default_factory=list)
    decided: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    did: Counter[str] = field(default_factory=Counter)
    priority: str = ""
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
        say(self._summary())

    @property
    def handled(self) -> int:
        """Items that are done with."""
        return self.did.total()

    def _summary(self) -> str:
        parts = ", ".join(f"{times} {did}" for did, times in self.did.most_common() if times)
        return f"you did {self.handled}{f': {parts}' if parts else ''}; {len(self.skipped)} left for later"

    def _next_story(self) -> Story | None:
        inbox = self.session.parts.inbox
        view: TicketView | None
        if self.back_to is not None:
            view, self.back_to = self.session.run(inbox.claim(self.back_to, self.person)), None
        else:
            view = self.session.run(inbox.next(self.person, self.facet, self.skipped, unseen=self.unseen))
        return self.session.run(read_story(self.session.parts, view.id)) if view else None

    def _show(self, story: Story) -> "tuple[Choice, ...]":
        view, process = story.view, self.session.parts.process
        show("", ticket_card(view, unread(view), process), cause_card(story.card, view))
        if view.call:
            show(call_card(view.call))
        if view.decision:
            show(decision_card(view, process))
        if view.ticket is None:
            say(AT_HAND)
            return ()
        self.priority = ""
        likely = process.likely(view.ticket, view.decision, story.checkpoint.context, {})[:MOST_SHOWN]
        say(*(f"  {number} {choice.name} ({choice.detail})" for number, choice in enumerate(likely, 1)), AT_HAND)
        return tuple(likely)

    def _press(self, story: Story, choices: "tuple[Choice, ...]") -> After:
        """Read one key and do what it means. What changed meanwhile is said, and the next item shown."""
        key = self.keys.key()
        try:
            if key.isdigit() and 0 < int(key) <= len(choices):
                return self._decide(story.view, choices[int(key) - 1])
            action = self._actions().get(key)
            return action(story) if action else self._means_nothing(key)
        except (Stale, UnknownTicket) as error:
            say(str(error))
            self.skipped.append(story.view.id)
            return After.NEXT
        except ValueError as error:
            say(str(error))
            return After.STAY

    def _means_nothing(self, key: str) -> After:
        if key:
            say(f"{key} means nothing here; keys are taken again in a moment")
            self.keys.pass_over(DEAF_SECONDS)
        return After.STAY

    def _actions(self) -> dict[str, Callable[[Story], After]]:
        return {
            "a": self._approve,
            "l": self._find,
            "p": self._prioritise,
            "x": self._reject,
            "z": self._close,
            "r": self._resume,
            "s": self._snooze,
            "h": self._snooze_for,
            "m": self._assign,
            "g": self._give,
            "c": self._note,
            "n": self._leave,
            "u": self._undo,
            "e": self._correct,
            "t": self._timeline,
            "/": self._search,
            "b": self._many,
            "?": self._help,
            "q": self._quit,
        }

    def _approve(self, story: Story) -> After:
        view, process = story.view, self.session.parts.process
        if view.call:
            return self._approve_call(view, view.call.digest)
        if self.priority and view.decision:
            kind = process.key(view.decision)
            return self._decide(view, next(choice for choice in process.choices if choice.name == kind))
        return self._end(self.session.parts.inbox.approve(view.id, self.person, view.version), view, "approved")

    def _approve_call(self, view: "TicketView", digest: str) -> After:
        inbox = self.session.parts.inbox
        self._do(inbox.approve_call(view.id, self.person, view.version, digest), "has its call approved")
        self.session.run(publish_hint(self.session.parts, [view.id]))
        return After.NEXT

    def _decide(self, view: "TicketView", choice: "Choice") -> After:
        from fallbacks.inbox.decisions import read_hand

        given = read_hand(self.session.parts.process, {**choice.given, "priority": self.priority})
        return self._end(self.session.parts.inbox.decide(view.id, self.person, view.version, given), view, "decided")

    def _find(self, story: Story) -> After:
        choice = a_choice(self.keys, self.session.parts.process)
        return self._decide(story.view, choice) if choice else After.STAY

    def _prioritise(self, _: Story) -> After:
        from tasks.ticket import Priority

        chosen = one_of(self.keys, [(priority.value, priority.value) for priority in Priority])
        self.priority = chosen or self.priority
        if chosen:
            say(f"what you decide now is {chosen}")
        return After.STAY

    def _reject(self, story: Story) -> After:
        if story.view.call:
            return self._refuse(story.view, story.view.call.digest)
        if Act.REJECT not in story.card.actions:
            say("there is no suggestion to reject: decide it, close it, or send it back")
            self.keys.pass_over(DEAF_SECONDS)
            return After.STAY
        why = one_of(
            self.keys, [(why, why) for why in self.session.parts.process.objections], own=("", "in your words")
        )
        why = self.keys.line("why: ") if why == "" else why
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

    def _close(self, story: Story) -> After:
        from fallbacks.inbox.narrate import CLOSE_KEYS, CLOSED
        from fallbacks.ledger.states import Closed

        view, kind = story.view, one_of(self.keys, [(kind, CLOSED[kind]) for kind in CLOSE_KEYS])
        of = self.keys.line("of which ticket (its id, or nothing): ") if kind is Closed.DUPLICATE else ""
        if kind is None or of is None:
            return After.STAY
        return self._end(self.session.parts.inbox.close(view.id, self.person, view.version, kind, of), view, "closed")

    def _end(self, work: "Coroutine[Any, Any, TicketView]", view: "TicketView", did: str) -> After:
        self._do(work, did)
        self.decided.append(((view.id,), did))
        return After.NEXT

    def _resume(self, story: Story) -> After:
        hint = self.keys.line("note to the agent: ")
        if hint is None:
            return After.STAY
        view, parts = story.view, self.session.parts
        self._do(parts.inbox.resume(view.id, self.person, view.version, hint, parts.settings.limits), "sent back")
        self.session.run(publish_hint(parts, [view.id]))
        return After.NEXT

    def _snooze(self, story: Story) -> After:
        return self._asleep(story.view, SNOOZE_SECONDS)

    def _snooze_for(self, story: Story) -> After:
        typed = self.keys.line("for how long (90m, 5h, 2d): ")
        return self._asleep(story.view, seconds_of(typed)) if typed else After.STAY

    def _asleep(self, view: "TicketView", seconds: float) -> After:
        self._do(self.session.parts.inbox.snooze(view.id, self.person, view.version, seconds), "snoozed")
        return After.NEXT

    def _assign(self, story: Story) -> After:
        to = self.keys.line("to (a name, or nothing for nobody): ")
        return After.STAY if to is None else self._leave_to(story.view, to)

    def _give(self, story: Story) -> After:
        to = a_group(self.keys, self.session.parts.process)
        return self._leave_to(story.view, to) if to else After.STAY

    def _leave_to(self, view: "TicketView", to: str) -> After:
        self._do(self.session.parts.inbox.assign(view.id, self.person, view.version, to), "assigned")
        return After.NEXT

    def _note(self, story: Story) -> After:
        text = self.keys.line("note: ")
        if text:
            self.session.run(self.session.parts.inbox.note(story.view.id, self.person, text))
            self.back_to = story.view.id  # shown again, in its new version
        return After.NEXT if text else After.STAY

    def _leave(self, story: Story) -> After:
        return self._put_back(story.view.id)

    def _undo(self, story: Story) -> After:
        if not self.decided:
            say("nothing to undo in this pass")
            return After.STAY
        ids, did = self.decided[-1]
        for undone in ids:
            self._do(self.session.parts.inbox.undo(undone, self.person, None), "undone", counts=False)
        self.decided.pop()
        self.did[did] -= len(ids)
        self._release(story.view.id)
        self.back_to = ids[0]
        return After.NEXT

    def _correct(self, _: Story) -> After:
        """The last decision of this pass, whatever became of its ten seconds. The item at hand stays."""
        from fallbacks.inbox.decisions import read_hand

        inbox, process = self.session.parts.inbox, self.session.parts.process
        if not self.decided:
            say("nothing to correct in this pass")
            return After.STAY
        ticket_id = self.decided[-1][0][-1]
        say(f"{ticket_id} is to be ...")
        choice = a_choice(self.keys, process)
        why = self.keys.line("why, for upstream and the timeline: ") if choice else None
        if choice and why:
            given = read_hand(process, choice.given)
            self._do(inbox.correct(ticket_id, self.person, None, given, why), "corrected", counts=False)
        return After.STAY

    def _reach(self) -> Reach:
        return Reach(self.session.parts.process, self.person, tuple(self.unseen))

    def _search(self, story: Story) -> After:
        """What is found and waits is worked on next; anything else is shown."""
        found = search(self.session, self.keys, self._reach())
        if found is None:
            return After.STAY
        view = self.session.run(self.session.parts.views.ticket(found))
        if view.state not in INBOX:
            show_ended(self.session, view)
            return After.STAY
        self._release(story.view.id)
        self.back_to = found
        return After.NEXT

    def _many(self, story: Story) -> After:
        done = act_on_many(self.session, self.keys, self._reach(), self.facet)
        if done is None:
            return After.STAY
        act, views = done
        self.did[SAID[act]] += len(views)
        if undoable := tuple(view.id for view in views if view.undo_by == self.person):
            self.decided.append((undoable, SAID[act]))
        self._release(story.view.id)
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

    def _do(self, work: "Coroutine[Any, Any, TicketView]", did: str, *, counts: bool = True) -> None:
        view, process = self.session.run(work), self.session.parts.process
        decided = view.decision if view.state is State.DECIDED else None
        so = process.headline(decided) if decided else NOW.get(view.state)
        line = f"{view.id} {did}: {so}" if so else f"{view.id} {did}"
        say(f"{line}; u takes it back for ten seconds" if view.undo_until_ms else line)
        self.did[did] += counts
