"""The shipped data fits the contract: every ticket is a ticket, every label a label, every customer a customer."""

import json

import pytest

from tasks.ticket import Ticket
from tasks.tools.ports import Customer
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy


def test_the_taxonomy_holds_every_label_of_the_tickets_under_the_same_team() -> None:
    taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
    taught = {row["label"]: row["team"] for row in sample.rows()}
    assert {label.name: label.team for label in taxonomy.labels} == taught
    assert len(taught) == 77
    assert all(1 <= len(label.examples) <= 3 for label in taxonomy.labels)


def test_no_example_of_the_taxonomy_comes_from_the_test_split() -> None:
    taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
    trained = {" ".join(row["body"].split()) for row in sample.rows("train")}
    assert {example for label in taxonomy.labels for example in label.examples} <= trained


def test_the_splits_are_those_of_the_source() -> None:
    assert (len(sample.rows("train")), len(sample.rows("test")), len(sample.rows())) == (10_003, 3_080, 13_083)


def test_sample_tickets_are_valid_repeatable_and_labelled() -> None:
    drawn = sample.sample_tickets("test", 50, seed=3)
    assert drawn == sample.sample_tickets("test", 50, seed=3)
    assert drawn != sample.sample_tickets("test", 50, seed=4)
    tickets = [Ticket.model_validate(item["ticket"]) for item in drawn]
    assert len({ticket.id for ticket in tickets}) == 50
    assert all(item["label"] and item["team"] for item in drawn)


def test_asking_for_more_tickets_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="3080 tickets, 4000"):
        sample.sample_tickets("test", 4000)


def test_every_customer_has_the_fields_of_a_record_and_an_id_of_its_own() -> None:
    lines = sample.path("customers.jsonl").read_text("utf-8").splitlines()
    customers = [Customer(**json.loads(line)) for line in lines]
    assert len({customer.id for customer in customers}) == len(customers) >= 40


def test_every_article_is_short_and_titled() -> None:
    articles = list(sample.path("knowledge").glob("*.md"))
    assert len(articles) >= 20
    assert all(article.read_text("utf-8").startswith("# ") for article in articles)
    assert all(len(article.read_text("utf-8")) < 1_500 for article in articles)


def test_a_name_that_is_not_shipped_is_an_error_naming_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt"):
        sample.path("nothing.txt")
