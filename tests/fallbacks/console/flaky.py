"""Two reviewers at browsers whose network cuts, loses answers and is slow, by hand and many at once; and a third who
approves many of the same items meanwhile.

`python -m tests.fallbacks.console.flaky [ITEMS]` plays it with 1,000 items and two seconds of latency.
"""

import asyncio
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from random import Random

import httpx
from playwright.sync_api import BrowserContext, Page, Route, expect

from fallbacks.access.roles import Role
from tasks.run import events as ev
from tasks.triage.process import Triage
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import PASSWORD, Door
from tests.fallbacks.console.test_races import suggested
from tests.services.browser import open_browser
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

ACTS = re.compile(r"/tickets/[^/]+/(approve|decide|resume)$|/inbox/bulk$")
MANY = 12
EVERY = 6
"""After so many acts by hand, that many are approved at once."""


class Fate(Enum):
    """Of one act. LOST: it is done, and its answer never comes."""

    FINE = auto()
    CUT = auto()
    LOST = auto()
    SLOW = auto()


@dataclass
class Reviewer:
    """A person at a browser. typed: their notes to the agent, by ticket. fates: what has become of their acts.
    latency_ms: of a slow one, beyond the second after which the page says so. meanwhile: what others do in it.
    """

    page: Page
    name: str
    random: Random
    typed: dict[str, str] = field(default_factory=dict)
    fates: Counter[Fate] = field(default_factory=Counter)
    fate: Fate = Fate.FINE
    latency_ms: int = 0
    meanwhile: Callable[[], None] = lambda: None
    held: list[Route] = field(default_factory=list)

    def begin(self) -> "Reviewer":
        self.page.route(ACTS, self._carry)
        self.page.goto("/work")
        return self

    def _carry(self, route: Route) -> None:
        fate, self.fate = self.fate, Fate.FINE
        match fate:
            case Fate.FINE:
                route.continue_()
            case Fate.CUT:
                route.abort("internetdisconnected")
            case Fate.LOST:
                route.fetch()
                route.abort("internetdisconnected")
            case Fate.SLOW:
                self.held.append(route)

    def at_hand(self) -> str:
        expect(self.page.locator("#main:not([aria-busy])")).to_be_attached()
        return self.page.locator("#main").get_attribute("data-ticket") or ""

    def step(self, fate: Fate) -> bool:
        """One act, until it is done or its person has gone on; False where nothing is left for them."""
        item = self.at_hand()
        if not item:
            return False
        self.fate, act = fate, self.random.choice(("approve", "relabel", "resume"))
        self.fates[fate] += 1
        self._act(act, item)
        match fate:
            case Fate.FINE:
                self._gone(item)
            case Fate.SLOW:
                wait_for(self._is_held, message="the act is on its way")
                expect(self.page.locator("#notice")).to_contain_text("still waiting")
                self._arrive()
                self._gone(item)
            case Fate.CUT:
                self._came_back(item)
                self._again(act)
                self._gone(item)
            case Fate.LOST:
                self._came_back(item)
                self._again(act)
                expect(self.page.get_by_role("alert")).to_contain_text("Not done")
                self._came_back(item)
                self.page.get_by_role("button", name="Skip").click()
                self._gone(item)
        return True

    def many(self, fate: Fate, many: int) -> None:
        """Choose so many of the list and approve them at once; then on with the next item."""
        self.page.goto("/inbox?view=ready")
        ready = min(many, self.page.locator("tr[data-row]").count())
        if ready:
            self.fate = fate
            self.fates[fate] += 1
            for key in ("j", "x", *["j"] * (ready - 1), "Shift+X"):
                self.page.keyboard.press(key)
            self._approve(fate)
        self.page.goto("/work")

    def _approve(self, fate: Fate) -> None:
        notice = self.page.locator("#notice")
        self._press_for()
        match fate:
            case Fate.SLOW:
                wait_for(self._is_held, message="the act is on its way")
                self._arrive()
            case Fate.CUT:
                expect(notice).to_contain_text("No answer")
                self._press_for()
            case Fate.LOST:
                expect(notice).to_contain_text("No answer: some may be done. The list shows how it is.")
                return
        expect(notice).to_contain_text("approved")

    def _press_for(self) -> None:
        """Rows that others decide meanwhile are not chosen any more: the list may ask for fewer, or not at all."""
        self.page.keyboard.press("a")
        asked = self.page.locator("#many[open]")
        expect(asked.or_(self.page.locator("#main[aria-busy], #notice [data-toast]")).first).to_be_attached()
        if asked.count():
            self.page.keyboard.press("Enter")

    def _arrive(self) -> None:
        """What was held goes on, after others have been at the same items."""
        self.meanwhile()
        self.page.wait_for_timeout(self.latency_ms)
        self.held.pop().continue_()

    def _act(self, act: str, item: str) -> None:
        keyboard = self.page.keyboard
        if act == "resume":
            self.typed[item] = f"{self.name} has looked at {item}"
            keyboard.press("r")
            keyboard.type(self.typed[item])
            keyboard.press("Control+Enter")
        else:
            keyboard.press("a" if act == "approve" else "1")

    def _again(self, act: str) -> None:
        if act == "resume":
            self.page.get_by_label("Note to the agent").press("Control+Enter")
        else:
            self.page.locator("[data-key=a]" if act == "approve" else ".otherwise [data-digit='1']").click()

    def _is_held(self) -> bool:
        self.page.wait_for_timeout(10)  # Playwright hands routes over while it is waited on
        return bool(self.held)

    def _gone(self, item: str) -> None:
        expect(self.page.locator(f'#main:not([data-ticket="{item}"]):not([aria-busy])')).to_be_attached()

    def _came_back(self, item: str) -> None:
        """With all that was typed."""
        back = self.page.locator(f'#main[data-ticket="{item}"][data-returned]:not([aria-busy])')
        expect(back).to_be_attached()
        if item in self.typed:
            expect(back.get_by_label("Note to the agent")).to_have_value(self.typed[item])


def approve_many(door: Door, client: httpx.Client, random: Random, many: int) -> None:
    """Some of what waits, as a list would have shown it, held or not."""
    waiting = door.run(door.inbox.page((), 0, 100)).items
    chosen = random.sample(waiting, min(many, len(waiting)))
    items = [f"{view.version}:{view.id}" for view in chosen]
    if items:
        answer = client.post("/inbox/bulk", data={"act": "approve", "item": items, "confirmed": "1"})
        assert answer.status_code == 303, answer.text


def play(
    door: Door, contexts: list[BrowserContext], items: int, fates: list[Fate], many: int = MANY, latency_ms: int = 0
) -> list[Reviewer]:
    """Until nothing waits. fates: of the acts, over and over. many: that are approved at once."""
    agent, random = Agent(door.ledger, door.process.taxonomy), Random(7)
    for start in range(0, items, 100):
        door.run(_seed(door, agent, range(start, min(start + 100, items))))
    with signed_in(door, "otto") as client:
        client.headers["Connection"] = "close"  # or the server ends an idle one just as it is used
        people = zip(contexts, ("rita", "olga"), strict=True)
        hands = [Reviewer(one.pages[0], name, random, latency_ms=latency_ms).begin() for one, name in people]
        for hand in hands:
            hand.meanwhile = lambda: approve_many(door, client, random, many)
        acts, left = 0, list(hands)
        while left:
            for hand in list(left):
                if not hand.step(fates[acts % len(fates)]):
                    left.remove(hand)
                acts += 1
                if acts % EVERY == 0:
                    hand.many(fates[acts // EVERY % len(fates)], many)
    return hands


async def _seed(door: Door, agent: Agent, numbers: range) -> None:
    await asyncio.gather(*(suggested(door, agent, number) for number in numbers))


def ended(door: Door, items: int) -> tuple[Counter[str], dict[str, str]]:
    """How each item ended, "decided" or "sent back" and how often; and the notes that the agent has got."""

    async def read() -> tuple[Counter[str], dict[str, str]]:
        found, notes = Counter[str](), dict[str, str]()
        for number in range(items):
            ticket_id = f"race_{number:04d}"
            events = [recorded.event for recorded in await door.inbox.views.timeline(ticket_id)]
            resumed = [event for event in events if isinstance(event, ev.Resumed)]
            for event in resumed:
                notes[ticket_id] = event.hint
            decided = sum(isinstance(event, ev.Decided) for event in events)
            found["decided " * decided + "sent back " * len(resumed)] += 1
        return found, notes

    return door.run(read())


def main(items: int) -> None:
    taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
    with (
        ValkeyServer(Path(tempfile.mkdtemp())) as valkey,
        Door(valkey.url, Triage(taxonomy)) as door,
        open_browser() as browser,
    ):
        contexts = list[BrowserContext]()
        for name, role in (("rita", Role.REVIEWER), ("olga", Role.OPERATOR), ("otto", Role.REVIEWER)):
            door.add_user(name, role)
        for name in ("rita", "olga"):
            contexts.append(browser.new_context(base_url=door.url))
            page = contexts[-1].new_page()
            page.goto("/sign-in")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
        fates = [Fate.FINE, Fate.FINE, Fate.CUT, Fate.FINE, Fate.LOST, Fate.FINE, Fate.FINE, Fate.SLOW]
        expect.set_options(timeout=60_000)
        hands = play(door, contexts, items, fates, latency_ms=1000)
        found, notes = ended(door, items)
        typed = {ticket: text for hand in hands for ticket, text in hand.typed.items()}
        print({said.strip() or "neither": count for said, count in found.items()})
        print(f"notes typed {len(typed)}, lost {sum(notes.get(ticket) != text for ticket, text in typed.items())}")
        print(sum((hand.fates for hand in hands), Counter()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
