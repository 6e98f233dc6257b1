"""What history finds a ticket by is read from its row and its journal."""

from dataclasses import replace

from fallbacks.history.documents import Unpacker, pack
from fallbacks.history.facts import facts_of
from fallbacks.history.port import Cost
from tests.fallbacks.history.ended import DAY_MS, MARCH, ended, event
from tests.fallbacks.scene import TRIAGE


def test_facts_of_a_decided_ticket() -> None:
    facts = facts_of(ended(requester={"id": "c1", "email": "Ann@Example.com", "name": "Ann"}), TRIAGE)
    assert (facts.state, facts.key, facts.suggested, facts.tier) == ("decided", "lost_card", "lost_card", "small")
    assert facts.facets == {"label": "lost_card", "team": "cards"}
    assert (facts.requester_id, facts.requester_email, facts.requester_name) == ("c1", "ann@example.com", "Ann")
    assert facts.text == "Help\n\nI lost my card\n\nThe card is lost."
    assert (facts.decided_by, facts.corrected, facts.run_seconds, facts.ended_ms) == ("ann", False, 3.0, MARCH + 60_000)
    assert facts.costs == (Cost(MARCH // DAY_MS, "small", 1, 900, 80, 600),)


def test_a_call_costs_on_the_day_of_its_reservation() -> None:
    late = MARCH + DAY_MS - 2_500
    assert [cost.day for cost in facts_of(ended(at=late), TRIAGE).costs] == [late // DAY_MS]


def test_what_the_journal_does_not_say_of_the_money_stands_on_the_day_of_acceptance() -> None:
    costs = facts_of(ended(spent="1000"), TRIAGE).costs
    assert sum(cost.nanodollars for cost in costs) == 1000
    assert costs[-1] == Cost(MARCH // DAY_MS, "", 0, 0, 0, 400)


def test_messages_corrections_and_hand_offs_are_seen() -> None:
    ticket = ended()
    more = (
        event(MARCH + 5_000, "handed_off", reason="step_limit"),
        event(MARCH + 6_000, "message_added", message={"id": "m1", "body": "It was a grey one."}),
        event(MARCH + 7_000, "decided", by="bob", action="correct"),
    )
    facts = facts_of(replace(ticket, journal=ticket.journal + more), TRIAGE)
    assert (facts.reason, facts.corrected, "grey one" in facts.text) == ("step_limit", True, True)


def test_an_unreadable_message_that_was_dismissed_has_facts() -> None:
    ticket = ended(state="cancelled")
    row = {name: value for name, value in ticket.row.items() if name not in ("body", "proposal", "digest")}
    facts = facts_of(replace(ticket, row=row), TRIAGE)
    assert (facts.state, facts.text, facts.key, facts.digest) == ("cancelled", "", None, "")


def test_a_document_is_read_as_it_was_written() -> None:
    ticket = ended(body="grüße \ud83d \0 👋", threads=("<a@b>",), keys=("api|1",))
    (packed,) = pack([(ticket, "the text")])
    assert Unpacker().ticket(packed) == ticket
    assert Unpacker().text(packed) == "the text"


def test_a_journal_with_line_ends_in_it_is_read_as_it_was_written() -> None:
    for journal in ((), ('{"a":\n1}',), ("a", "b\n", ""), ("", "")):
        ticket = replace(ended(), journal=journal)
        assert Unpacker().ticket(pack([(ticket, "")])[0]) == ticket
