"""Mails built after public complaints, one for each way in which they were not read as a person would read them."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker.connectors.mail.files import mails_of
from worker.connectors.mail.reading import Mail, read_mail, same_mail

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(path.stem for path in FOLDER.glob("*.json"))
UNREADABLE = {"A-st-smime-opaque", "A-st-winmail"}
"""A sealed message, and a winmail.dat with nothing in it."""


def read(name: str) -> tuple[Mail, dict[str, Any]]:
    (path,) = [path for path in FOLDER.glob(f"{name}.eml*") if path.suffix != ".json"]
    wanted: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["expected"]
    return read_mail(path.read_bytes()), wanted


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_read_as_a_person_reads_it(name: str) -> None:
    mail, wanted = read(name)
    found = json.loads(mail.ticket.model_dump_json())
    for field in ("subject", "body", "received_at"):
        if field in wanted:
            assert found[field] == wanted[field], field
    for part in wanted.get("body_has", ()):
        assert part in found["body"]
    for field, value in wanted.get("requester", {}).items():
        assert (found["requester"] or {}).get(field) == value, field
    assert (mail.machine is not None) == name.startswith("F-")
    assert (mail.ticket.unreadable is not None) == (name in UNREADABLE)


def several(name: str) -> dict[str, Mail]:
    return {
        path.name: read_mail(raw) for path in sorted((FOLDER / "several" / name).iterdir()) for _, raw in mails_of(path)
    }


def test_a_mail_without_an_id_is_one_ticket_however_it_came() -> None:
    assert len({mail.ticket.id for mail in several("I-no-message-id-lf-crlf-mbox").values()}) == 1


def test_the_constant_id_of_a_web_form_is_another_mail_each_time() -> None:
    one, other = several("I-constant-message-id").values()
    assert one.ticket.id == other.ticket.id
    assert not same_mail(one.ticket, other.ticket)


def test_a_list_s_copy_and_a_tagged_copy_are_the_same_mail() -> None:
    found = several("I-list-copy-and-direct-copy")
    assert same_mail(found["a.eml"].ticket, found["b.eml"].ticket)
    assert same_mail(found["c-tagged-a.eml"].ticket, found["c-tagged-b.eml"].ticket)


def test_a_web_form_speaks_for_who_filled_it_in() -> None:
    (mail,) = several("I-contact-form-reply-to").values()
    assert mail.machine is None
    assert mail.ticket.requester
    assert (mail.ticket.requester.name, mail.ticket.requester.email) == ("Carla", "carla@customer.example")


@pytest.mark.parametrize("name", ["lead.mbox", "bom.mbox"])
def test_an_mbox_may_begin_with_empty_lines_or_a_byte_order_mark(name: str) -> None:
    found = list(mails_of(FOLDER / "several" / "J-mbox-leading-blank-or-bom" / name))
    assert len({read_mail(raw).ticket.id for _, raw in found}) == 2
