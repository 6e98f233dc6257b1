"""The doors of the console: signing in, roles, forms from elsewhere, headers."""

import re
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest

from fallbacks.console.app import ROUTES
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in, version_on
from tests.fallbacks.console.door import PASSWORD, Door
from tests.services.waiting import wait_for

FOR_EVERYBODY = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-in/code"),
    ("GET", "/sign-in/identity"),
    ("GET", "/sign-in/identity/back"),
    ("GET", "/invitation/x"),
    ("POST", "/invitation/x"),
}
FOR_OPERATORS = {
    ("POST", "/groups/x/resume"),
    ("POST", "/groups/x/resolve"),
    ("GET", "/operations"),
    ("GET", "/operations/log"),
    ("POST", "/operations/x"),
    ("POST", "/labels/revoke"),
    ("GET", "/tools"),
}
FOR_ADMINS = {
    ("GET", "/admin"),
    ("GET", "/admin/keys"),
    ("POST", "/admin/people/x"),
    ("POST", "/admin/keys"),
    ("POST", "/admin/keys/x/x"),
}
ENDS_THE_SESSION = {("POST", "/sign-out"), ("POST", "/settings/sign-out")}
CALLS = sorted(
    (method, re.sub(r"\{\w+\}", "x", route.path)) for route in ROUTES for method in (route.methods or set()) - {"HEAD"}
)
"""Every page and form there is."""


def status(client: httpx.Client, call: tuple[str, str]) -> int:
    """Without what follows it: a stream goes on for as long as the server lets it."""
    with client.stream(*call, data={"version": "1"}) as answer:
        return answer.status_code


def test_every_page_and_form_wants_a_session_and_its_role(door: Door) -> None:
    with (
        httpx.Client(base_url=door.url, headers={"Origin": door.url}, timeout=60) as nobody,
        signed_in(door, "rita") as rita,
    ):
        asked = {
            call: nobody.request(*call, params={"queue": "review"}, data={"version": "1"} if call[0] == "POST" else {})
            for call in CALLS
        }
        assert {call for call, answer in asked.items() if answer.status_code != 303} == FOR_EVERYBODY
        sent = {answer.headers["location"][:17] for call, answer in asked.items() if call not in FOR_EVERYBODY}
        assert sent == {"/sign-in", "/sign-in?next=%2F", "/sign-in?next=/ti"}
        assert nobody.get("/inbox/stream", headers={"Accept": "text/event-stream"}).status_code == 401
        own = [call for call in CALLS if call not in ENDS_THE_SESSION]
        refused = {call for call in own if status(rita, call) == 403}
        assert refused == FOR_OPERATORS | FOR_ADMINS


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_forms_from_elsewhere_are_refused(door: Door, headers: dict[str, str]) -> None:
    with signed_in(door, "rita") as rita:
        del rita.headers["Origin"]
        assert rita.post("/settings", data={"keys": "on"}, headers=headers).status_code == 403
        assert rita.post("/settings", data={"keys": "on"}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_every_answer_carries_the_policy(door: Door) -> None:
    with signed_in(door, "rita") as rita:
        for path in ("/inbox", "/nowhere", "/static/console.js?v=1", "/sign-in"):
            headers = rita.get(path).headers
            assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == ("public, max-age=31536000, immutable" if "?v" in path else "no-store")
        assert rita.post("/settings", data={"keys": "x" * 70_000}).status_code == 413


def test_the_cookie_is_of_no_use_to_scripts_and_dies_with_the_session(door: Door) -> None:
    with httpx.Client(base_url=door.url, headers={"Origin": door.url}, timeout=60) as client:
        answer = client.post("/sign-in", data={"name": "Rita ", "password": PASSWORD, "next": "//evil.example"})
        assert answer.headers["location"] == "/inbox"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        token = client.cookies["deskhand_session"]
        assert token not in str(door.run(door.store.redis.keys("*")))
        client.post("/sign-in", data={"name": "rita", "password": PASSWORD})
        later = client.cookies["deskhand_session"]
        client.cookies.set("deskhand_session", token, domain="127.0.0.1", path="/")
        assert client.get("/inbox").status_code == 303  # whoever signs in again leaves the session before
        client.cookies.set("deskhand_session", later, domain="127.0.0.1", path="/")
        assert client.get("/inbox").status_code == 200
        token = later
        client.post("/sign-out")
        client.cookies.set("deskhand_session", token)
        assert client.get("/inbox").status_code == 303


def test_guessing_is_slowed_down(door: Door) -> None:
    with httpx.Client(base_url=door.url, headers={"Origin": door.url}, timeout=60) as guesser:
        tries = [guesser.post("/sign-in", data={"name": "rita", "password": f"guess {n}"}) for n in range(11)]
        assert [answer.status_code for answer in tries] == [401] * 10 + [429]
        assert tries[-1].headers["retry-after"] == "300"
        assert guesser.post("/sign-in", data={"name": "rita", "password": PASSWORD}).status_code == 429
        assert guesser.post("/sign-in", data={"name": "olga", "password": PASSWORD}).status_code == 303


def test_a_reviewer_cannot_do_what_an_operator_can(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    with signed_in(door, "rita") as rita, signed_in(door, "olga") as olga:
        page = rita.get(f"/tickets/{ticket_id}").text
        assert "Cancel the ticket" not in page
        version = {"version": version_on(page)}
        assert rita.post(f"/tickets/{ticket_id}/cancel", data=version).status_code == 403
        assert rita.post("/groups/step_limit/resume", data={"as_of": "1", "how": "all"}).status_code == 403
        assert olga.post(f"/tickets/{ticket_id}/cancel", data=version).status_code == 303


def test_only_who_decided_or_an_operator_undoes(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> None:
    door.add_user("rob")
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    decided = door.run(door.inbox.approve(ticket_id, "rita", None))
    with signed_in(door, "rob") as rob, signed_in(door, "rita") as rita:
        version = {"version": str(decided.version)}
        assert rob.post(f"/tickets/{ticket_id}/undo", data=version).status_code == 403
        assert rita.post(f"/tickets/{ticket_id}/undo", data=version).status_code == 303


def test_what_cannot_be_done_is_said(door: Door, agent: Agent, tickets: Callable[..., Ticket]) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    with signed_in(door, "rita") as rita:
        version = version_on(rita.get(f"/tickets/{ticket_id}").text)
        for action, fields, status in (
            ("decide", {"label": "nonsense"}, 422),
            ("decide", {"label": "card_arrival", "priority": "whenever"}, 422),
            ("reject", {}, 422),
            ("snooze", {"seconds": "999999999"}, 422),
            ("explode", {}, 404),
        ):
            answer = rita.post(f"/tickets/{ticket_id}/{action}", data={"version": version, **fields})
            assert answer.status_code == status, action
        assert rita.post(f"/tickets/{ticket_id}/approve", data={}).status_code == 422
        assert rita.post("/tickets/nobody/approve", data={"version": "1"}).status_code == 404


def test_a_person_follows_so_many_timelines_at_once_and_another_has_their_own(
    door: Door, agent: Agent, tickets: Callable[..., Ticket]
) -> None:
    ticket_id = door.run(agent.suggest(tickets(), "card_arrival"))
    with signed_in(door, "rita") as rita, signed_in(door, "olga") as olga:
        stream = f"/tickets/{ticket_id}/stream"
        with ExitStack() as open_streams:
            opened = [open_streams.enter_context(rita.stream("GET", stream)).iter_lines() for _ in range(20)]
            assert {next(lines) for lines in opened} == {"retry: 1000"}
            refused = rita.get(stream)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "25")
            with olga.stream("GET", stream) as following:
                assert following.status_code == 200

        def let_go() -> bool:
            with rita.stream("GET", stream) as answer:
                return answer.status_code == 200

        wait_for(let_go, message="their places are free again")
