"""The rails know no label and no team: another process runs through queue, ledger, plan, API and console as it is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from fallbacks.access.roles import Role
from fallbacks.access.users import Users
from fallbacks.autonomy.standing import AutonomyJudge, Key, Terms
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.sums.audit import audit
from tests.fallbacks.console.door import PASSWORD, QUICK
from tests.second_process.deployment import FormParts
from tests.second_process.forms import Forms
from tests.services.celery_worker import CeleryWorker
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.service.celery_factory import sender_app
from worker.service.worker_command import worker_command


class FormWorker(CeleryWorker):
    def command(self) -> list[str]:
        return worker_command(self.queues, self.concurrency, app="tests.second_process.celery_app")


class FormsServed(Served):
    def _parts(self) -> FormParts:
        url = self.settings.redis_url or ""
        return FormParts(self.settings, sender_app(self.settings, url), url, self._wrap_store)


@dataclass
class Deployment:
    """Worker and web of the second process."""

    web: Served
    api: httpx.Client

    def worked(self, body: str, rests_in: str) -> dict[str, Any]:
        """Send a ticket, and wait for the state in which the agent leaves it."""
        accepted = self.api.post("/v1/tickets", json={"source": "scan", "subject": "", "body": body})
        assert accepted.status_code == 202, accepted.text
        ticket: dict[str, Any] = {}

        def rests() -> bool:
            ticket.update(self.api.get(accepted.headers["location"]).json())
            return bool(ticket["state"] == rests_in)

        wait_for(rests, message=f"{body!r} is {rests_in}")
        return ticket

    def act(self, ticket: dict[str, Any], action: str, **body: Any) -> httpx.Response:
        return self.api.post(f"/v1/inbox/{ticket['id']}/{action}", json={"version": ticket["version"], **body})

    def store(self, work: Any) -> Any:
        """Do something on the deployment's store, in a thread of its own: Playwright's loop runs in this one."""

        async def done(ledger: Ledger) -> Any:
            return await work(ledger.store)

        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(self.web.ledger.do, done).result()


@pytest.fixture(scope="module")
def deployed(valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    valkey_server.flush()
    folder = tmp_path_factory.mktemp("forms")
    with FormWorker(folder, valkey_server.url, concurrency=2), FormsServed(valkey_server.url, home=folder) as web:
        deployment = Deployment(web, web.client(web.key()))
        deployment.store(lambda store: Users(store, QUICK).create("rita", PASSWORD, Role.REVIEWER))
        yield deployment
    assert deployment.store(audit).problems == ()


@pytest.fixture
def rita(deployed: Deployment, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=deployed.web.url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("Name").fill("rita")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/inbox")
    yield page
    context.close()


def test_a_suggestion_is_approved_and_leaves_the_fields_of_its_process(deployed: Deployment) -> None:
    ticket = deployed.worked("form P60, number 11-22", "suggested")
    assert {name: ticket["decision"][name] for name in ("form", "number", "tier")} == {
        "form": "P60",
        "number": "11-22",
        "tier": "form-reader",
    }
    decided = deployed.act(ticket, "approve").json()
    assert (decided["state"], decided["decision"]["form"]) == ("decided", "P60")
    row = deployed.store(lambda store: store.row(ticket["id"]))
    assert (row["form"], "label" in row, "team" in row) == ("P60", False, False)


def test_a_person_corrects_it_in_the_console(deployed: Deployment, rita: Page) -> None:
    ticket = deployed.worked("form P45, number 33-44", "suggested")
    rita.goto(f"/tickets/{ticket['id']}")
    expect(rita.get_by_role("heading", name="The agent suggests P45 number 33-44")).to_be_visible()
    rita.locator("select[name=form]").select_option("W9")
    rita.get_by_role("textbox", name="Number", exact=True).fill("33-45")
    rita.get_by_role("button", name="Decide", exact=True).click()
    expect(rita.get_by_text("Decided as W9 number 33-45")).to_be_visible()
    expect(rita.locator(".diff")).to_contain_text("P45")
    decision = deployed.api.get(f"/v1/tickets/{ticket['id']}").json()["decision"]
    assert (decision["form"], decision["number"], decision["decided_by"]) == ("W9", "33-45", "rita")


def test_what_it_is_not_sure_of_is_handed_off_with_its_suggestion(deployed: Deployment, rita: Page) -> None:
    ticket = deployed.worked("perhaps form P60, number 55-66", "handed_off")
    assert (ticket["reason"], ticket["decision"]["form"]) == ("low_confidence", "P60")
    rita.goto(f"/tickets/{ticket['id']}")
    expect(rita.get_by_role("heading", name="It needs a person at step 1: it was not sure enough.")).to_be_visible()
    rita.get_by_role("button", name="Approve").click()
    expect(rita.get_by_text("Approved as P60 number 55-66")).to_be_visible()


@pytest.mark.parametrize("body", ["form P99, number 77-88", "form W9, number seven"])
def test_what_breaks_its_contract_is_repaired_once_and_handed_off(deployed: Deployment, body: str) -> None:
    ticket = deployed.worked(body, "handed_off")
    assert (ticket["reason"], ticket["decision"], ticket["usage"]["steps"]) == ("invalid_decision", None, 2)
    unknown = deployed.act(ticket, "edit", form="P99")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/form")
    foreign = deployed.act(ticket, "edit", label="lost_card")
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "/form")
    decided = deployed.act(ticket, "edit", form="W9", number="77-88").json()
    assert (decided["state"], decided["decision"]["number"]) == ("decided", "77-88")


def test_evidence_of_autonomy_is_counted_by_the_form(deployed: Deployment, rita: Page) -> None:
    before = _evidence(deployed)
    right, wrong = (deployed.worked(f"form P45, number 01-0{n}", "suggested") for n in (1, 2))
    deployed.act(right, "edit", form="P45", number="09-09")  # another number is no disagreement
    deployed.act(wrong, "edit", form="W9")
    n, agreements = _evidence(deployed)
    assert (n - before[0], agreements - before[1]) == (2, 1)
    rita.goto("/labels")
    expect(rita.get_by_role("heading", name="Forms", exact=True)).to_be_visible()
    line = rita.get_by_role("row").filter(has_text="Somebody leaves a job.")
    expect(line).to_contain_text(f"{agreements} of {n} agreed")


def _evidence(deployed: Deployment) -> tuple[int, int]:
    standings = deployed.store(lambda store: AutonomyJudge(store, Forms(), Terms()).standings())
    standing = standings.get(Key("P45", "form-reader", "v1"))
    return (standing.n, standing.agreements) if standing else (0, 0)


def test_the_list_is_filtered_by_the_form(deployed: Deployment, rita: Page) -> None:
    ticket = deployed.worked("form W9, number 21-21", "suggested")
    other = deployed.worked("form P60, number 22-22", "suggested")

    def listed(**facets: str) -> list[str]:
        return [item["id"] for item in deployed.api.get("/v1/inbox", params=facets).json()["items"]]

    assert (ticket["id"] in listed(form="W9"), other["id"] in listed(form="W9")) == (True, False)
    served = deployed.api.post("/v1/inbox/next", json={"form": "P60"}).json()
    assert served["decision"]["form"] == "P60"
    rita.goto("/inbox")
    rita.get_by_text("Filter").first.click()
    rita.locator("select[name=form]").select_option("W9")
    rita.wait_for_url("**form=W9**")
    expect(rita.get_by_role("link", name="form W9, number 21-21")).to_be_visible()
    expect(rita.get_by_role("link", name="form P60, number 22-22")).to_have_count(0)


def test_what_is_served_of_it_names_its_fields(deployed: Deployment) -> None:
    document = deployed.api.get("/v1/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"form", "number", "version"} <= schemas["EditBody"]["properties"].keys()
    assert "label" not in schemas["EditBody"]["properties"]
    assert schemas["TicketDocument"]["properties"]["decision"]["anyOf"][0]["$ref"].endswith("FormResult")
    named = {parameter["name"] for parameter in document["paths"]["/v1/inbox"]["get"]["parameters"]}
    assert ("form" in named, "label" in named) == (True, False)
