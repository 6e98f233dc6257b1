"""Which addresses are public."""

import asyncio

import httpx
import pytest

from fallbacks.delivery.http_targets import is_public, why
from tests.services.http_sink import HttpSink


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "64:ff9b::808:808"])
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


def test_what_cannot_stand_in_a_header_is_not_quoted(http_sink: HttpSink) -> None:
    async def call() -> Exception:
        async with httpx.AsyncClient() as client:
            with pytest.raises(httpx.LocalProtocolError, match="hush") as failed:
                await client.get(http_sink.url, headers={"authorization": "Bearer hush\n"})
            return failed.value

    assert why(asyncio.run(call())) == "LocalProtocolError: a header holds what no header can"
