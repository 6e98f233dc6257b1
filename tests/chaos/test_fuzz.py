"""The short form of `python -m tests.chaos.fuzz`."""

from tests.chaos.fuzz import fuzz


def test_malformed_messages_are_all_kept_and_stop_nothing() -> None:
    assert fuzz(200, seed=7)["rejected"] == 200
