"""The console as a program sees it that speaks HTTP and nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.fallbacks.console.door import PASSWORD, Door


@contextmanager
def signed_in(door: Door, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=door.url, headers={"Origin": door.url}, timeout=60) as client:
        answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client


def version_on(page: str) -> str:
    """The version a ticket's page was made from."""
    found = re.search(r'data-version="(\d+)"', page)
    assert found, page[:500]
    return found[1]
