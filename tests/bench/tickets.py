"""Tickets as they come: of a given length, each in words of its own, with requesters, a fifth of them mail."""

from random import Random
from typing import Any

SIZES = (60, 600, 6000)
"""Characters of a body: a chat line, the usual ticket, a mail with the thread below it."""

OPENING = "My new card has not arrived in two weeks, when does it come?"
"""First in every ticket: what the model server's decision quotes."""

REQUESTERS = 200
"""More than the sample's customers: some are known, some are not."""

MAIL_EVERY = 5

_SENTENCES = (
    "I ordered it in the app on the third and the app said that it was sent the next morning.",
    "The order page shows a tick beside the address, so I believe that the address is right.",
    "I live in a house with several flats and the postman is new, so maybe it lies with a neighbour.",
    "I asked at number 12 and at the bakery downstairs, and nobody has taken anything for me.",
    "Last year a replacement took four days, which is why I did not ask earlier.",
    "My old card was damaged at a petrol station and the chip is not read any more.",
    "I have used the virtual card meanwhile, but two of the shops near me do not take it.",
    "On Friday I paid 42.50 at the supermarket and the payment was declined at the second try.",
    "There is also a fee of 4.99 on the statement of March that I do not recognise.",
    "The chat told me to wait for ten working days, and those were over on Monday.",
    "Could it be that it went to Garden Street, where I lived until January?",
    "I changed the address in the profile then, and the new one is shown everywhere.",
    "I am travelling from the 14th to the 29th and would need it before I leave.",
    "If it is lost, do I have to block it myself or is that done on your side?",
    "A colleague had the same trouble and hers came with a different courier in the end.",
    "There was a letter about new terms last week, but the card was not in it.",
    "My daughter's card, ordered on the same day, came after six days without any trouble.",
    "The tracking number that I was given shows nothing since it left the sorting centre.",
    "I tried to add the new card to my phone and it says that it has to be activated first.",
    "For activation I would need the code that is printed on the letter, which I do not have.",
    "I would rather not pay for express delivery, since the delay is not of my making.",
    "My salary comes on the 27th and I usually take out some cash on that day.",
    "The branch at the station could not see the order and sent me to the support form.",
    "I have attached nothing, but I can send a picture of the order page.",
    "Please leave a note on my account, so that I do not have to explain it again.",
    "I am reachable in the mornings, or by text message at any time.",
    "The limit for online payments was lowered as well, and I did not do that.",
    "When I open the card's page there is a spinner for a minute and then an empty list.",
    "I reinstalled the app on Tuesday and signed in with the passcode without a problem.",
    "Two transfers to my landlord went through in the meantime, so the account itself works.",
    "The exchange rate of my last payment abroad seemed odd, but that is another matter.",
    "If a new one is made, will it have the same number, or do I have to change my subscriptions?",
    "Three of them are due at the start of the month, among them the phone contract.",
    "I understand that the post is slow at this time of the year.",
    "It would help me to know on which day it was handed to the courier.",
    "Nothing in this is urgent today, but by the end of next week it will be.",
)

_NAMES = ("Jane Miller", "Amara Okafor", "Bence Horvath", "Carmen Ruiz", "Tom Fischer", "Li Wei", "Nora Lind")


def tickets(count: int, stamp: str, chars: int) -> list[dict[str, Any]]:
    """The same for the same arguments. Their ids begin with the stamp."""
    return [_ticket(number, stamp, chars) for number in range(count)]


def _ticket(number: int, stamp: str, chars: int) -> dict[str, Any]:
    chosen = Random(f"{chars}-{number}")
    name, who = _NAMES[number % len(_NAMES)], 1001 + chosen.randrange(REQUESTERS)
    requester = {"id": f"cus-{who}", "email": f"{who}@example.org", "name": name}
    found = {"id": f"{stamp}-{number}", "source": "bench", "subject": "", "requester": requester}
    if number % MAIL_EVERY:
        return found | {"body": _words(chosen, chars), "channel": "chat"}
    return found | {"subject": "Re: my new card", "body": _mail(chosen, chars, name), "channel": "email"}


def _words(chosen: Random, chars: int) -> str:
    text = OPENING
    while len(text) < chars:
        text += (" " if chosen.random() < 0.85 else "\n\n") + chosen.choice(_SENTENCES)
    return text[:chars].rstrip()


def _mail(chosen: Random, chars: int, name: str) -> str:
    """With a greeting, a signature and, where there is room, what it answers."""
    head, foot = (
        "Dear support team,\n\n",
        f"\n\nKind regards,\n{name}\nTel. +44 20 7946 0{chosen.randrange(100, 999)}\n",
    )
    room = chars - len(head) - len(foot)
    if room < len(OPENING):
        return OPENING
    if room < 2000:
        return head + _words(chosen, room) + foot
    quoted = "\n".join(f"> {line}" for line in _words(chosen, room // 2).splitlines())
    return f"{head}{_words(chosen, room // 2)}{foot}\nOn Mon, 2 Nov 2026 at 09:14, Support wrote:\n{quoted}\n"[:chars]
