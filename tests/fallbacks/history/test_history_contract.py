"""What every history must do: the same stories on each engine."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fallbacks.history.chain import journal_head, link_hash, row_digest
from fallbacks.history.port import Cost, Entry, History, Search
from fallbacks.history.postgres.history import PostgresHistory
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.search.sqlite_live_index import SqliteLiveIndex
from tests.fallbacks.history.ended import DAY_MS, MARCH, ended, entry
from tests.fallbacks.scene import TRIAGE

Story = Callable[[History], Awaitable[None]]
Play = Callable[[Story], None]
ODD = "grüße \ud83d \0 👋"


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    async def played(story: Story) -> None:
        if request.param == "sqlite":
            history: History = SqliteHistory(tmp_path / "history.sqlite", TRIAGE)
        else:
            history = PostgresHistory(request.getfixturevalue("postgres_url"), TRIAGE)
        try:
            await story(history)
        finally:
            await history.aclose()

    return lambda story: asyncio.run(played(story))


def ids(found: Sequence[tuple[str, Any]]) -> list[str]:
    return [ticket_id for ticket_id, _ in found]


def test_a_ticket_is_found_as_it_was_written(play: Play) -> None:
    def of(n: int) -> dict[str, Any]:
        return {"ticket_id": f"t{n}", "threads": (f"<{n}@a>",), "keys": (f"k|{n}",), "body": ODD}

    async def story(history: History) -> None:
        await history.write([entry(**of(n)) for n in range(3)])
        assert await history.find("t1") == ended(**of(1))
        assert await history.find_many(["t0", "t2", "nobody"]) == {"t0": ended(**of(0)), "t2": ended(**of(2))}
        assert await history.find("nobody") is None
        known = await history.known(["t0", "nobody"])
        assert {known.id: (known.digest, known.state) for known in known.values()} == {
            "t0": (ended(**of(0)).row["digest"], "decided")
        }
        made = await history.made_by(["k|2", "k|9"])
        assert {key: known.id for key, known in made.items()} == {"k|2": "t2"}
        assert await history.in_thread(["<0@a>", "<9@a>"]) == {"<0@a>": "t0"}
        assert await history.identity() == await history.identity() != ""

    play(story)


def test_a_later_version_replaces_and_an_earlier_one_does_not(play: Play) -> None:
    async def story(history: History) -> None:
        await history.write([entry(version=5, body="a grey card", threads=("<a>",), keys=("k",), cost=600)])
        await history.write([entry(version=7, body="a green card", threads=("<b>",), keys=("k",), cost=900)])
        await history.write([entry(version=6, body="a blue card"), entry("t2")])
        await history.write([entry(version=7, body="a red card")])
        found = await history.find("t1")
        assert found is not None
        assert found.row["version"] == "7"
        for word, expected in (("green", ["t1"]), ("grey", []), ("red", []), ("blue", [])):
            assert ids(await history.search(Search(word))) == expected, word
        assert await history.in_thread(["<a>", "<b>"]) == {"<b>": "t1"}
        totals = await history.totals()
        assert (totals.tickets, totals.spent, sum(totals.spent_by_day.values())) == (2, 1500, 1500)

    play(story)


def test_one_ticket_that_cannot_be_written_leaves_none(play: Play) -> None:
    async def story(history: History) -> None:
        good, bad = entry("good"), entry("bad")
        object.__setattr__(bad.facts, "costs", (Cost(1, "x", 2**70, 0, 0, 0),))
        with pytest.raises(Exception):  # noqa: B017, PT011 - each engine's own
            await history.write([good, bad])
        assert await history.known(["good", "bad"]) == {}

    play(story)


def test_facts_come_back_with_the_text_and_without_the_costs(play: Play) -> None:
    async def story(history: History) -> None:
        written = entry(body=ODD, requester={"id": "C-1", "email": "ann@shop.example", "name": "Ann"}, overbilled="2")
        await history.write([written])
        ((_, facts),) = await history.search(Search())
        object.__setattr__(written.facts, "costs", ())
        assert facts == written.facts
        assert list(facts.facets) == ["label", "team"]

    play(story)


SEARCHES = [
    (Search("card"), "edcba"),
    (Search("CARD gruen"), ""),
    (Search("grun"), "b"),
    (Search("GRÜN"), "b"),
    (Search("gr*"), "ba"),
    (Search("card gr*"), "ba"),
    (Search("bo@shop.example"), "c"),
    (Search("shop"), "dc"),
    (Search("Shop.example"), "dc"),
    (Search("example.shop"), ""),
    (Search("miller"), "d"),
    (Search("lost_card"), ""),
    (Search("tkt-7"), "e"),
    (Search("!?"), ""),
    (Search(requester="c-1"), "dc"),
    (Search(requester="BO@shop.example"), "c"),
    (Search(key="new_loan"), "b"),
    (Search(facets={"label": "new_loan"}), "b"),
    (Search(facets={"team": "cards"}), "edc"),
    (Search("card", facets={"team": "cards"}, states=("decided",)), "edc"),
    (Search(states=("closed",)), "a"),
    (Search(states=("closed", "cancelled")), "a"),
    (Search(source="mail", limit=2), "ed"),
    (Search(source="chat"), ""),
    (Search(decided_by="ann"), "edcb"),
    (Search(reason="step_limit"), ""),
    (Search(reason="spam"), "a"),
    (Search(corrected=True), ""),
    (Search(since_ms=MARCH + 3), "ed"),
    (Search(until_ms=MARCH + 3), "cba"),
    (Search(since_ms=MARCH + 1, until_ms=MARCH + 2), "b"),
    (Search(ended_since_ms=MARCH + 60_002), "edc"),
    (Search("card", before=(MARCH + 3, "d")), "cba"),
    (Search(before=(MARCH + 2, "zz"), limit=2), "cb"),
]
"""What is looked for among five tickets, and which are found, newest first."""


def five() -> list[Entry]:
    """The tickets of `SEARCHES`."""
    loan = {"label": "new_loan", "team": "loans"}
    ann = {"id": "C-1", "email": "ann@shop.example", "name": "Ann Miller"}
    return [
        entry("a", MARCH, body="a grey card", state="closed", closed="spam"),
        entry("b", MARCH + 1, body="a grün card", decision=loan),
        entry("c", MARCH + 2, body="a blue card", requester={"id": "c-1", "email": "bo@shop.example"}),
        entry("d", MARCH + 3, body="a red card", requester=ann),
        entry("e", MARCH + 3, body="card tkt-7"),
    ]


def test_a_search_finds(play: Play) -> None:
    async def story(history: History) -> None:
        await history.write(five())
        for wanted, expected in SEARCHES:
            assert "".join(ids(await history.search(wanted))) == expected, wanted

    play(story)


def test_the_index_of_what_is_here_finds_the_same() -> None:
    index = SqliteLiveIndex()
    index.put((one.ticket.id, one.facts) for one in five())
    for wanted, expected in SEARCHES:
        assert "".join(ticket_id for _, ticket_id in index.search(wanted)) == expected, wanted
        fits = index.fitting(replace(wanted, before=None), [*"abcdex"])
        cut = wanted.limit < 50 or wanted.before is not None
        assert fits >= set(expected) if cut else fits == set(expected), wanted
    index.forget("abcde")
    assert (len(index), index.search(Search("card"))) == (0, [])
    index.close()


def test_pages_follow_one_another_though_tickets_came_in_one_ms(play: Play) -> None:
    async def story(history: History) -> None:
        tickets = [entry(f"t{n:02}", MARCH + n // 9) for n in (*range(10, 30), *range(10))]
        await history.write(tickets[:7])
        await history.write(tickets[7:])
        for q in ("", "card"):
            found, before = list[str](), None
            while page := await history.search(Search(q, before=before, limit=4)):
                found += ids(page)
                before = (page[-1][1].accepted_ms, page[-1][0])
            assert found == [f"t{n:02}" for n in reversed(range(30))]

    play(story)


def test_the_last_tickets_of_a_requester(play: Play) -> None:
    async def story(history: History) -> None:
        await history.write([entry(f"t{n}", MARCH + n, requester={"id": "c1" if n else "C1"}) for n in range(5)])
        assert ids(await history.of_requester("c1", 3)) == ["t4", "t3", "t2"]
        assert ids(await history.of_requester("C1", 3)) == ["t0"]
        assert await history.of_requester("c2", 3) == []

    play(story)


def test_people_s_decisions_keep_their_places(play: Play) -> None:
    async def story(history: History) -> None:
        await history.add_examples(0, ['{"n": 0}', '{"n": 1}'])
        await history.add_examples(1, ['{"n": "other"}', '{"n": 2}'])
        await history.add_examples(3, [])
        assert await history.examples(0, 10) == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
        assert await history.examples(1, 1) == ['{"n": 1}']
        assert await history.examples(3, 5) == []

    play(story)


def test_totals_stand_by_day(play: Play) -> None:
    async def story(history: History) -> None:
        assert (await history.totals()).spent_by_day == {}
        await history.write([entry("a", cost=600, overbilled="1"), entry("b", MARCH + DAY_MS, cost=1_000)])
        totals = await history.totals()
        day = MARCH // DAY_MS
        assert (totals.tickets, totals.spent, totals.overbilled) == (2, 1_600, 1)
        assert totals.spent_by_day == {day: 600, day + 1: 1_000}

    play(story)


def test_a_person_can_read_it_in_sql_and_not_write(play: Play) -> None:
    async def story(history: History) -> None:
        wrong = {"label": "new_loan", "team": "loans"}
        await history.write(
            [entry("a"), entry("b", MARCH + 1, decision=wrong), entry("c", state="closed", closed="spam")]
        )
        _, rows = await history.query(
            "SELECT id, label, team, usd FROM tickets WHERE source = :s ORDER BY id", {"s": "mail"}
        )
        assert [row[:3] for row in rows] == [("a", "lost_card", "cards"), ("b", "new_loan", "loans"), ("c", None, None)]
        names, rows = await history.query("SELECT * FROM agreement_by_label ORDER BY label", {})
        assert names == ["label", "decided", "agreed", "share"]
        assert [(label, int(decided), int(agreed), float(share)) for label, decided, agreed, share in rows] == [
            ("lost_card", 1, 1, 1.0),
            ("new_loan", 1, 0, 0.0),
        ]
        _, rows = await history.query("SELECT day, tier, tickets, calls, usd FROM costs_by_day", {})
        assert [(str(day), tier, int(n), int(calls), float(usd)) for day, tier, n, calls, usd in rows] == [
            ("2026-03-01", "small", 3, 3, pytest.approx(1.8e-6))
        ]
        _, rows = await history.query("SELECT id, agreed, by_person FROM decisions ORDER BY id", {})
        assert [(row[0], bool(row[1]), bool(row[2])) for row in rows] == [("a", True, True), ("b", False, True)]
        for sql in (
            "DELETE FROM example",
            "DROP VIEW tickets",
            "SELECT nothing FROM nowhere",
            "",
            "SELECT 1; SELECT 2",
        ):
            with pytest.raises(ValueError, match="query"):
                await history.query(sql, {})

    play(story)


def test_a_history_is_opened_again_and_by_others_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        several = [SqliteHistory(tmp_path / "new" / "history.sqlite", TRIAGE) for _ in range(4)]
        await asyncio.gather(*(one.write([entry(f"t{n}", MARCH + n)]) for n, one in enumerate(several)))
        assert len({await one.identity() for one in several}) == 1
        assert [len(await one.search(Search("card"))) for one in several] == [4] * 4
        for one in several:
            await one.aclose()
        again = SqliteHistory(tmp_path / "new" / "history.sqlite", TRIAGE)
        assert (await again.totals()).tickets == 4
        await again.aclose()

    asyncio.run(story())


def test_each_writing_is_a_link_of_the_chain(play: Play) -> None:
    async def story(history: History) -> None:
        await history.write([entry("a"), entry("b", version=2)])
        await history.write([entry("b", version=3), entry("a")])
        links = await history.chain(1, 10)
        assert [(link.place, link.id, link.version) for link in links] == [(1, "a", 5), (2, "b", 2), (3, "b", 3)]
        assert [link.hash for link in links] == [link_hash(links[n - 1].hash if n else "", links[n]) for n in range(3)]
        assert (links[0].head, links[0].row) == (journal_head("a", ended("a").journal), row_digest(ended("a")))
        assert await history.chain(3, 10) == links[2:]

    play(story)


def test_what_is_erased_leaves_its_remains_in_its_place(play: Play) -> None:
    async def story(history: History) -> None:
        await history.write([entry("a", body="my Geheimnis", subject="Geheimnis", threads=("<a>",)), entry("b")])
        await history.add_examples(0, ["one Geheimnis", "two"])
        remains = entry("a", body="-", subject="-")
        changed = await history.erase([remains, entry("nobody")])
        assert changed == {"documents": 1, "search": 1, "threads": 1, "cold": 0}
        await history.replace_examples({0: "one", 7: "nowhere"})
        assert await history.find("a") == remains.ticket
        assert await history.search(Search("Geheimnis")) == []
        assert ids(await history.search(Search("card"))) == ["b", "a"]
        assert await history.in_thread(["<a>"]) == {}
        assert await history.examples(0, 5) == ["one", "two"]
        assert len(await history.chain(1, 10)) == 2
        await history.scrub()

    play(story)


def test_no_byte_of_it_stays_in_the_files(tmp_path: Path) -> None:
    async def story() -> None:
        history = SqliteHistory(tmp_path / "history.sqlite", TRIAGE)
        await history.write([entry(f"t{n}", MARCH + n, body="my Geheimnis", subject="Geheimnis") for n in range(20)])
        await history.erase([entry(f"t{n}", MARCH + n, body="-", subject="-") for n in range(20)])
        assert await history.scrub() == {}
        await history.aclose()

    asyncio.run(story())
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    assert b"lost_card" in left
    assert b"geheimnis" not in left
