"""Who works for some teams sees and acts on the items of these and of none, at every door of the console."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from fallbacks.access.users import Users
from fallbacks.ledger.limits.control import Control
from tasks.reasons import Reason
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in, version_on
from tests.fallbacks.console.door import Door
from tests.services.waiting import wait_for

Open = Callable[..., BrowserContext]
DELIVERY, FRAUD = "team:card_delivery", "team:fraud_and_security"


@pytest.fixture
def staged(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> dict[str, str]:
    """Rita works for card delivery: `theirs`; `fraud` and `given` are with another team, `nobodys` with none."""
    ours = door.run(agent.suggest(tickets(body="Where is my card? ours"), "card_arrival"))
    fraud = door.run(agent.suggest(tickets(body="Somebody took my card, secret"), "compromised_card"))
    nobodys = door.run(agent.hand_off(tickets(body="Hello nobodys"), Reason.STEP_LIMIT, "8 of 8"))
    given = door.run(agent.hand_off(tickets(body="A given secret"), Reason.STEP_LIMIT, "8 of 8"))
    door.run(door.inbox.assign(given, "olga", None, FRAUD))
    door.run(Users(door.store).change("rita", teams=[DELIVERY]))
    return {"ours": ours, "fraud": fraud, "nobodys": nobodys, "given": given}


def test_lists_counts_search_and_pages_are_of_their_teams(door: Door, staged: dict[str, str]) -> None:
    with signed_in(door, "rita") as rita, signed_in(door, "olga") as olga:
        assert olga.get("/inbox/counts").json()[""] == 4
        assert rita.get("/inbox/counts").json()[""] == 2
        for address in ("/inbox", "/inbox?sort=customer", "/search?q=secret", "/groups/step_limit", "/overview"):
            page = rita.get(address).text
            assert "secret" not in page.replace("q=secret", "").replace('value="secret"', ""), address
        assert "nobodys" in rita.get("/groups/step_limit").text
        assert "(1)" not in rita.get("/inbox").text  # counting would count the others' items, too
        assert "fraud and security" not in rita.get("/inbox").text.partition('<form method="post"')[0]
        served = {version_and_id(rita.get("/work").text)[1] for _ in range(2)}
        assert served == {staged["ours"]}
        assert rita.post("/tickets/x/claim", data={"version": "1"}).status_code == 404


def test_a_ticket_of_another_team_says_whose_it_is_and_not_what_it_says(door: Door, staged: dict[str, str]) -> None:
    with signed_in(door, "rita") as rita:
        for ticket_id in (staged["fraud"], staged["given"]):
            for address in (f"/tickets/{ticket_id}", f"/work/{ticket_id}", f"/work?item={ticket_id}"):
                answer = rita.get(address)
                assert answer.status_code == 403
                assert "This ticket is with team fraud and security" in answer.text
                assert "secret" not in answer.text
            version = door.run(door.inbox.views.ticket(ticket_id)).version
            act = {"version": version, "text": "I was here"}
            assert rita.post(f"/tickets/{ticket_id}/note", data=act).status_code == 403
            many = {"act": "close", "kind": "spam", "item": f"{version}:{ticket_id}"}
            said = rita.post("/inbox/bulk", data=many, headers={"accept": "application/json"}).json()
            assert (said["done"], "team fraud and security" in said["notice"]) == (0, True)
        assert door.run(door.inbox.views.ticket(staged["given"])).state == "handed_off"
        assert "secret" not in rita.get("/tickets/" + staged["fraud"], headers={"accept-language": "de"}).text


def test_handing_over_and_a_ticket_left_to_them_by_name(door: Door, staged: dict[str, str]) -> None:
    with signed_in(door, "rita") as rita:
        page = rita.get(f"/tickets/{staged['nobodys']}")
        handed = {"version": version_on(page.text), "to": FRAUD}
        went = rita.post(f"/tickets/{staged['nobodys']}/assign", data=handed)
        assert went.headers["location"] == "/inbox"
        assert "Assigned to team fraud and security" in rita.get("/inbox").text
        assert rita.get(f"/tickets/{staged['nobodys']}").status_code == 403
        door.run(door.inbox.assign(staged["fraud"], "olga", None, "rita"))
        assert rita.get(f"/tickets/{staged['fraud']}").status_code == 200
        assert "secret" in rita.get("/inbox?assignee=rita").text


def test_an_admin_says_for_which_teams_somebody_works(door: Door, open_context: Open) -> None:
    page = open_context("ada", java_script_enabled=False).pages[0]
    page.goto("/admin")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="rita"))
    row.locator("summary", has_text="all teams").click()
    row.get_by_label("card delivery").check()
    row.get_by_label("transfers", exact=True).check()
    row.get_by_role("button", name="Save the teams of rita").click()
    expect(row.locator("summary", has_text="card delivery, transfers")).to_be_visible()
    assert door.run(Users(door.store).get("rita")).teams == ("team:card_delivery", "team:transfers")  # type: ignore[union-attr]
    assert "teams team:card_delivery, team:transfers" in [c.after for c in door.run(Control(door.store).log())]
    with signed_in(door, "ada") as ada:
        assert ada.post("/admin/people/teams", data={"name": "rita", "team": "nobody"}).status_code == 422


def test_what_comes_in_goes_round_and_who_goes_away_hands_over_by_keyboard(
    door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Open
) -> None:
    for name in ("rita", "olga"):
        door.run(Users(door.store).change(name, teams=[DELIVERY]))
    admin, rita = (open_context(name, java_script_enabled=False).pages[0] for name in ("ada", "rita"))
    admin.goto("/admin")
    admin.get_by_role("region", name="Rotation").get_by_label("card delivery").press("Space")
    admin.get_by_role("button", name="Save the rotation").press("Enter")
    wait_for(
        lambda: "rotation of card delivery on" in [line.words for line in door.run(Control(door.store).log())],
        message="the rotation is on",
    )
    first, second = (door.run(agent.suggest(tickets(body=f"Where is it? {n}"), "card_arrival")) for n in range(2))
    whose = {door.run(door.inbox.views.ticket(one)).assignee: one for one in (first, second)}
    assert set(whose) == {"rita", "olga"}
    rita.goto("/settings")
    rita.get_by_label("Back on").fill("2099-01-01")
    rita.get_by_role("button", name="I am away until then").press("Enter")
    expect(rita.get_by_text("2099-01-01 00:00 UTC")).to_be_visible()
    rita.get_by_role("button", name="Hand 1 item of yours over").press("Enter")
    expect(rita.get_by_text("1 item handed over")).to_be_visible()
    assert door.run(door.inbox.views.ticket(whose["rita"])).assignee == "olga"
    third = door.run(agent.suggest(tickets(body="Where is it? 3"), "card_arrival"))
    assert door.run(door.inbox.views.ticket(third)).assignee == "olga"
    admin.goto("/admin")
    expect(admin.get_by_role("row").filter(has=admin.get_by_role("rowheader", name="rita"))).to_contain_text(
        "away until"
    )
    admin.get_by_label("Change rita", exact=True).press("Enter")
    admin.get_by_role("button", name="rita is here again").press("Enter")
    expect(admin.get_by_role("row").filter(has=admin.get_by_role("rowheader", name="rita"))).not_to_contain_text("away")
    admin.get_by_label("Change olga", exact=True).press("Enter")
    admin.get_by_role("button", name="Hand over what is with olga").press("Enter")
    expect(admin.get_by_text("3 items handed over")).to_be_visible()
    assert {door.run(door.inbox.views.ticket(one)).assignee for one in (first, second, third)} == {"rita"}


def version_and_id(page: str) -> tuple[str, str]:
    return version_on(page), page.partition('data-ticket="')[2].partition('"')[0]
