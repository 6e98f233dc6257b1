"""What an operator switches in the console, without JavaScript, and who sees that it is so."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from tests.fallbacks.console.door import Door
from tests.services.waiting import wait_for

Open = Callable[..., BrowserContext]
BEAT = {"queues": ["tickets"], "slots": 4, "busy": 1, "host": "h", "pid": 7}


@pytest.fixture
def olga(open_context: Open) -> Page:
    """An operator's page without scripts."""
    return open_context("olga", java_script_enabled=False).pages[0]


def switched(door: Door) -> dict[str, str]:
    return {
        name: value
        for name, value in door.run(door.store.fields(keys.CONTROL)).items()
        if not name.startswith("changed_")
    }


def test_the_agent_is_switched_off_by_a_typed_word_and_everybody_sees_it(
    door: Door, olga: Page, open_context: Open
) -> None:
    olga.goto("/operations")
    olga.get_by_label("type off").fill("of course")
    wrong = {"mode": "off", "typed": "of course"}
    answered = olga.request.post("/operations/autonomy", form=wrong, headers=door.ours)
    assert answered.status == 422
    assert "type the word off" in answered.text()
    assert switched(door) == {}
    olga.get_by_label("type off").fill("off")
    olga.get_by_role("button", name="Switch the agent off").click()
    wait_for(lambda: switched(door) == {"autonomy": "off"}, message="the agent is switched off")
    rita = open_context("rita").pages[0]
    expect(rita.get_by_text("The agent is switched off")).to_be_visible()
    rita.goto("/work")
    expect(rita.get_by_text("The agent is switched off")).to_be_visible()
    assert rita.request.post("/operations/autonomy", form={"mode": "auto"}, headers=door.ours).status == 403
    olga.get_by_role("button", name="As set up").click()
    wait_for(lambda: switched(door) == {}, message="the agent works as set up")
    expect(olga.get_by_text("The agent is switched off")).to_have_count(0)


def test_pauses_budget_and_workers_are_switched_and_logged(door: Door, olga: Page) -> None:
    at = door.run(door.store.now_ms())
    door.run(door.store.put(keys.WORKERS, {"h:7:abc": json.dumps({**BEAT, "at": at})}))
    olga.goto("/operations")
    olga.get_by_role("button", name="Pause the agent's work").click()
    expect(olga.get_by_text("The agent's work is paused")).to_be_visible()
    olga.get_by_label("Dollars for each UTC day").fill("12,50")
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_text("of $12.50")).to_be_visible()
    olga.get_by_role("button", name="Let h:7:abc finish").click()
    changed = {"paused:tickets": "1", "day_cap": "12500000000", "drain:h:7:abc": "1"}
    wait_for(lambda: switched(door) == changed, message="all three are switched")
    olga.get_by_label("Dollars for each UTC day").fill("a lot")
    olga.get_by_role("button", name="Save").click()
    expect(olga.get_by_role("alert")).to_contain_text("'a lot' is not an amount")
    olga.goto("/operations/log?q=budget")
    expect(olga.get_by_role("row")).to_have_count(2)
    expect(olga.get_by_role("row", name="olga daily budget: as set up -> $12.50")).to_be_visible()
    olga.goto("/operations")
    olga.get_by_role("textbox", name="Source").fill("backfill")
    olga.get_by_label("Dollars; empty: as set up").fill("4")
    olga.get_by_role("button", name="Set its budget").click()
    expect(olga.get_by_role("row", name="backfill")).to_contain_text("$4.00")


def test_the_log_is_a_file_without_formulas(door: Door, olga: Page) -> None:
    door.run(Control(door.store).change("=cmd()", {"paused:tickets": "1"}))
    answered = olga.request.get("/operations/log?csv=1&q=paused")
    assert answered.headers["content-type"] == "text/csv; charset=utf-8"
    assert answered.text().splitlines()[0] == "at,who,what,before,after,client"
    assert ",'=cmd(),paused:tickets,,1," in answered.text()


def test_an_operator_sees_what_came_of_each_tool(door: Door, olga: Page) -> None:
    counted = {
        "tool_calls|tool=search_knowledge_base|outcome=ok": "1203",
        "tool_calls|tool=search_knowledge_base|outcome=timeout": "4",
    }
    counted |= {"tool_seconds|tool=search_knowledge_base|le=0.1": "1203"}
    door.run(door.store.put(keys.METERS, counted))
    olga.goto("/operations")
    olga.get_by_role("link", name="What the agent may look up and do").click()
    row = olga.get_by_role("row", name="search_knowledge_base")
    expect(row).to_contain_text("1,207")
    expect(row).to_contain_text("4 timeout")
    expect(olga.get_by_role("row", name="notify_team")).to_contain_text("changes something")
