"""A sender is believed where the topmost field of a trusted host says that the very domain has proved itself."""

from email import message_from_bytes

import pytest

from worker.connectors.mail.authentication import authenticated_sender

ANN = "ann@customer.example"
DMARC = "mx.shop.example; dmarc=pass (p=REJECT dis=NONE) header.from=customer.example"


def sender(*results: str, start: str = "From: Ann <ann@customer.example>", trusted: str = "mx.shop.example") -> str:
    fields = [*(f"Authentication-Results: {one}" for one in results), start, "Subject: x", "", "My card is lost."]
    return authenticated_sender(message_from_bytes("\r\n".join(fields).encode()), [trusted])


@pytest.mark.parametrize(
    "result",
    [
        DMARC,
        "MX.Shop.Example 1; DMARC=pass header.from=Customer.Example",
        "mx.shop.example;\r\n dkim=pass header.i=@customer.example header.s=s1 header.b=abc;\r\n spf=none",
        "mx.shop.example; dkim=fail header.d=a.example; dkim=pass (2048-bit key; secure) header.d=customer.example",
        "mx.shop.example; spf=pass (ok) smtp.mailfrom=bounces@customer.example",
        "mx.shop.example; dmarc=none header.from=customer.example; spf=pass smtp.mailfrom=customer.example",
        "mx.shop.example (by us); dkim/1=pass header.d=customer.example",
    ],
)
def test_a_proved_domain_is_believed(result: str) -> None:
    assert sender(result) == ANN


@pytest.mark.parametrize(
    "results",
    [
        (),
        ("mx.other.example; dmarc=pass header.from=customer.example",),
        ("mx.shop.example; none",),
        ("mx.shop.example; dmarc=fail header.from=customer.example; dkim=pass header.d=customer.example",),
        ("mx.shop.example; dmarc=temperror header.from=customer.example; spf=pass smtp.mailfrom=a@customer.example",),
        ("mx.shop.example; dmarc=pass header.from=evil.example",),
        ("mx.shop.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=x@evil.example",),
        ("mx.shop.example; dkim=pass header.d=mail.customer.example",),
        ("mx.shop.example; dkim=policy header.d=customer.example",),
        ("mx.shop.example; spf=pass smtp.helo=customer.example",),
        ("mx.shop.example; iprev=pass policy.iprev=1.2.3.4 header.d=customer.example",),
        ("mx.shop.example; spf=fail smtp.mailfrom=x@evil.example", DMARC),
        ("mx.shop.example (; dmarc=pass header.from=customer.example)",),
        ('mx.shop.example; spf=pass smtp.mailfrom="a smtp.mailfrom=customer.example"@evil.example',),
        ('mx.shop.example; spf=pass smtp.mailfrom="; dmarc=pass header.from=customer.example ;"@evil.example',),
        (
            "mx.shop.example; spf=pass (of x\\); dmarc=pass header.from=customer.example \\() smtp.mailfrom=evil.example",
        ),
        ("mx.shop.example; spf=pass smtp.mailfrom=evil.example smtp.mailfrom=customer.example",),
        ("dmarc=pass header.from=customer.example",),
    ],
)
def test_nothing_else_is(results: tuple[str, ...]) -> None:
    assert sender(*results) == ""


@pytest.mark.parametrize(
    "start",
    [
        "From: ann@customer.example\r\nFrom: eve@customer.example",
        "From: ann@customer.example, eve@customer.example",
        "From: Ann",
        "Sender: ann@customer.example",
        "From: =?utf-8?q?ann=40customer.example?= <eve@evil.example>",
        "From: eve@evil.example\r\n\r\nFrom: ann@customer.example",
    ],
)
def test_only_one_sender_whose_domain_it_is(start: str) -> None:
    assert sender(DMARC, start=start) == ""


def test_no_host_is_trusted_unless_it_is_named() -> None:
    assert sender("; dmarc=pass header.from=customer.example") == ""
    assert (
        authenticated_sender(message_from_bytes(f"Authentication-Results: {DMARC}\nFrom: {ANN}\n".encode()), ()) == ""
    )


def test_what_stands_inside_the_mail_does_not_count() -> None:
    inner = f"Authentication-Results: {DMARC}\r\nFrom: {ANN}\r\n\r\nhello"
    raw = f"From: {ANN}\r\nContent-Type: message/rfc822\r\n\r\n{inner}"
    assert authenticated_sender(message_from_bytes(raw.encode()), ["mx.shop.example"]) == ""
