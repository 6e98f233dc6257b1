"""A console with people, and browsers that are signed in to it."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from fallbacks.access.roles import Role
from tasks.ticket import Ticket
from tasks.triage.process import Triage
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import PASSWORD, Door
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@pytest.fixture(scope="module")
def taxonomy():
    return load_taxonomy(sample.path("taxonomy.yaml"))


@pytest.fixture
def door(valkey_url: str, taxonomy) -> Iterator[Door]:
    with Door(valkey_url, Triage(taxonomy)) as door:
        door.add_user("rita")
        door.add_user("olga", Role.OPERATOR)
        door.add_user("ada", Role.ADMIN)
        yield door


@pytest.fixture
def agent(door: Door) -> Agent:
    return Agent(door.ledger, door.process.taxonomy)


@pytest.fixture
def tickets() -> Callable[..., Ticket]:
    """`tickets(body="...")`: the next sample ticket, changed as told."""
    rows = iter(sample.sample_tickets("test", 200, seed=4))
    numbers = count(1)

    def made(**fields) -> Ticket:
        return Ticket.model_validate({**next(rows)["ticket"], "id": f"tkt_{next(numbers):04d}", **fields})

    return made


EXPECTED = re.compile(r"status of 4(01|04|09|22) |net::ERR_INTERNET_DISCONNECTED")
"""Chromium reports every answer of ours that says "sign in", "not found", "it has changed" or "that cannot be done",
and what was asked of a network that a test had cut."""


class Faults(list[str]):
    """What a browser complained about: policy violations, script errors, failed requests."""

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.append(f"{message.type}: {message.text}")


@pytest.fixture
def open_context(browser: Browser, door: Door) -> Iterator[Callable[..., BrowserContext]]:
    """`open_context("rita", java_script_enabled=False)`: a browser profile in which this person is signed in."""
    opened: list[tuple[BrowserContext, Faults]] = []

    def made(name: str, **options) -> BrowserContext:
        context = browser.new_context(base_url=door.url, **{"viewport": {"width": 1280, "height": 860}, **options})
        context.set_default_timeout(60_000)
        faults = Faults()
        context.on("console", faults.heard)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        opened.append((context, faults))
        signed_in = context.request.post("/sign-in", form={"name": name, "password": PASSWORD}, headers=door.ours)
        assert signed_in.ok, signed_in.text()
        context.new_page().goto("/inbox")
        return context

    yield made
    for context, _ in opened:
        context.close()
    heard = [fault for _, faults in opened for fault in faults if not EXPECTED.search(fault)]
    assert not heard, heard


@pytest.fixture
def rita(open_context: Callable[..., BrowserContext]) -> Page:
    """A reviewer's page."""
    return open_context("rita").pages[0]
