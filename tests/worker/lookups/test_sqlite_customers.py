"""The embedded directory serves the shipped customers and names the line of a broken file."""

import asyncio
import json
from pathlib import Path

import pytest

from worker import sample
from worker.config.errors import CustomerFileError
from worker.lookups.sqlite_customers import SqliteCustomers

GOOD = '{"id": "c1", "name": "Ann", "tier": "vip", "country": "GB", "since": "2020-01-01", "flags": ["a"]}\n'


def test_a_shipped_customer_is_found_and_an_unknown_one_is_none() -> None:
    directory = SqliteCustomers(sample.path("customers.jsonl"))
    found = asyncio.run(directory.get("cus-1001"))
    assert found is not None
    assert (found.id, found.name, found.flags) == ("cus-1001", "Amara Okafor", ("source_of_funds_review",))
    assert asyncio.run(directory.get("' OR 1=1 --")) is None
    directory.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + GOOD, ":2: this id stands twice"),
        (GOOD + "\n" + GOOD.replace("tier", "teer"), ":3: tier: "),
        (GOOD + "{oops\n", ":2: : Invalid JSON"),
    ],
)
def test_a_broken_file_is_refused_at_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "customers.jsonl"
    file.write_text(text, "utf-8")
    with pytest.raises(CustomerFileError, match=message):
        SqliteCustomers(file)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CustomerFileError, match=r"none\.jsonl: cannot be read"):
        SqliteCustomers(tmp_path / "none.jsonl")


def test_an_address_finds_the_one_customer_who_has_it(tmp_path: Path) -> None:
    file = tmp_path / "customers.jsonl"
    emails = {"c1": "Ann@customer.example", "c2": "both@customer.example", "c3": "both@customer.example", "c4": ""}
    rows = [json.loads(GOOD) | {"id": name, "email": email} for name, email in emails.items()]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    directory = SqliteCustomers(file)
    found = {
        email: asyncio.run(directory.find(email)) for email in ("ann@customer.example", "both@customer.example", "")
    }
    assert [one and one.id for one in found.values()] == ["c1", None, None]
    directory.close()
