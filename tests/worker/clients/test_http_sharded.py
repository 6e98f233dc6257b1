"""The router at the door: each ticket in one shard's ledger, found again, and accepted once while shards change."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from fallbacks.ledger.states import State
from tests.services.process import free_port
from tests.services.valkey import ValkeyServer
from tests.worker.cli.direct_ledger import fail, working
from tests.worker.http.served import Served
from worker.clients import AcceptedDocument, NoSuchTicket, ShardedClient, Unreachable, shard_of

TICKET = {"source": "shop", "subject": "Card", "body": "My card has not arrived, it was ordered two weeks ago."}


@pytest.fixture(scope="module")
def _shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[ValkeyServer, Served]]]:
    with ExitStack() as stage:
        servers = [stage.enter_context(ValkeyServer(tmp_path_factory.mktemp("shard"))) for _ in range(3)]
        yield [(server, stage.enter_context(Served(server.url))) for server in servers]


@pytest.fixture
def shards(_shards: list[tuple[ValkeyServer, Served]]) -> dict[str, Served]:
    """Three Deskhands with empty books, by address. Nobody has made a key for them, so none is asked for."""
    for server, _ in _shards:
        server.flush()
    return {web.url: web for _, web in _shards}


@pytest.fixture
def client(shards: dict[str, Served]) -> Iterator[ShardedClient]:
    with ShardedClient([f"{address}/" for address in shards]) as client:
        yield client


def of(address: str, addresses: list[str], but: str = "") -> str:
    """A ticket id that belongs to this shard."""
    ids = (f"t{number}" for number in count())
    return next(found for found in ids if shard_of(found, addresses) == address and found != but)


def known_to(shards: dict[str, Served], ticket_id: str) -> list[str]:
    def has(web: Served) -> bool:
        return bool(web.ledger.do(lambda ledger: ledger.store.row(ticket_id)))

    return [address for address, web in shards.items() if has(web)]


def test_each_ticket_is_in_the_ledger_of_its_own_shard(client: ShardedClient, shards: dict[str, Served]) -> None:
    sent = [of(address, list(shards)) for address in shards]
    for address, ticket_id in zip(shards, sent, strict=True):
        assert client.accept({**TICKET, "id": ticket_id}).id == ticket_id
        assert known_to(shards, ticket_id) == [address]
        assert client.find(ticket_id)[0] == address
        assert client.cancel(ticket_id).state == State.CANCELLED
        assert [event.type for event in client.events(ticket_id)] == ["accepted", "cancelled"]
    assert [found.id for found in client.search("card", state="cancelled", limit=1)] == sent[::-1]


def test_waiting_asks_the_shard_that_has_it(client: ShardedClient, shards: dict[str, Served]) -> None:
    ticket_id = client.accept(TICKET).id
    (address,) = known_to(shards, ticket_id)
    with working(shards[address].ledger, ticket_id, fail):
        assert client.wait(ticket_id, 20).state == State.HANDED_OFF


def test_one_key_accepts_a_ticket_without_an_id_once(client: ShardedClient, shards: dict[str, Served]) -> None:
    first, again = (client.accept(TICKET, idempotency_key="order-7") for _ in range(2))
    assert first.id == again.id
    assert len(known_to(shards, first.id)) == 1


def test_one_key_of_two_sources_is_two_tickets(client: ShardedClient) -> None:
    tickets = (TICKET, {**TICKET, "source": "billing"})
    results = [result for ticket in tickets for result in client.accept_many([ticket], idempotency_key="order-7")]
    assert len({result.id for result in results if isinstance(result, AcceptedDocument)}) == 2


def test_many_come_back_in_order_from_all_shards(client: ShardedClient, shards: dict[str, Served]) -> None:
    tickets = [{**TICKET, "id": f"t{number}"} for number in range(40)]
    results = client.accept_many(tickets)
    assert [result.id for result in results if isinstance(result, AcceptedDocument)] == [t["id"] for t in tickets]
    assert {client.home(ticket["id"]) for ticket in tickets} == set(shards)


def test_a_shard_that_is_away_refuses_its_own_tickets_only(shards: dict[str, Served]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    addresses = [*shards, nobody]
    tickets = [{**TICKET, "id": of(address, addresses)} for address in addresses]
    with ShardedClient(addresses, tries=1) as client:
        *accepted, refused = client.accept_many(tickets)
        assert isinstance(refused, Unreachable)
        assert all(isinstance(result, AcceptedDocument) for result in accepted)
        with pytest.raises(Unreachable):
            client.get(str(tickets[-1]["id"]))


def test_a_ticket_nobody_knows_is_said_to_be_unknown(client: ShardedClient) -> None:
    with pytest.raises(NoSuchTicket):
        client.get("t-none")


def test_what_was_accepted_before_a_shard_was_added_stays_where_it_is(shards: dict[str, Served]) -> None:
    new, *old = list(shards)
    moved = of(new, list(shards))
    fresh = of(new, list(shards), but=moved)
    with ShardedClient(old) as before:
        before.accept({**TICKET, "id": moved})
    with ShardedClient(list(shards), before=old) as client:
        assert client.get(moved).id == moved
        client.accept({**TICKET, "id": moved})
        client.accept_many([{**TICKET, "id": moved}, {**TICKET, "id": fresh}])
    assert known_to(shards, moved) == [shard_of(moved, old)]
    assert known_to(shards, fresh) == [new]


def test_no_shard_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one address"):
        ShardedClient([])


def test_addresses_name_the_shards_and_not_their_order(shards: dict[str, Served]) -> None:
    with ShardedClient(list(shards)) as one, ShardedClient(list(reversed(shards))) as other:
        assert [one.home(f"t{n}") for n in range(50)] == [other.home(f"t{n}") for n in range(50)]
