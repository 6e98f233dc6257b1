"""Every act of a person has its form in the console, under the verb that the API and the journal use."""

from fallbacks.console.ticket.actions import ACTIONS, SKIP
from fallbacks.ledger.acts import Act


def test_the_console_knows_every_act() -> None:
    assert set(ACTIONS) == {*Act, SKIP}
