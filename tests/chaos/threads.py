"""Synthetic conversations, made by us from the sample's test tickets: what they are about changes, or does not.

Not real ones: the words of each mail are a sample ticket's or a stock phrase, so they show order, doubling and crashes
better than they show judgement.
"""

from dataclasses import dataclass
from random import Random

from worker import sample

NUDGES = (
    "Any news?",
    "I am still waiting for an answer.",
    "Hello? Is anybody there?",
    "Please get back to me.",
    "Can somebody look at this?",
)
VAGUE = ("Hello, I have a question.", "Hi, can you help me please?", "Good morning, I need your help.")
TURNS = ("Sorry, that is solved. But now: {}", "One more thing, which is what matters now: {}", "{}")
THANKS = ("Thanks!", "Thank you very much.", "Great, thanks for the help.")


@dataclass(frozen=True)
class Thread:
    """One conversation. messages: what is added, oldest first. label: the one that all of it calls for."""

    id: str
    first: str
    messages: tuple[str, ...]
    label: str


def threads(count: int, seed: int = 1) -> list[Thread]:
    """A third keep to what they began with, a third turn to another matter, a third begin with nothing."""
    dice = Random(seed)
    rows = sample.rows("test")
    found = []
    for number in range(count):
        one, other = dice.sample(rows, 2)
        nudges = dice.sample(NUDGES, dice.randint(1, 3))
        turn = dice.choice(TURNS).format(other["body"])
        match number % 3:
            case 0:
                first, messages, label = one["body"], nudges, one["label"]
            case 1:
                first, messages, label = one["body"], [*nudges[1:], turn, *nudges[:1]], other["label"]
            case _:
                first, messages, label = dice.choice(VAGUE), [*nudges[1:], other["body"]], other["label"]
        if dice.random() < 0.3:
            messages = [*messages, dice.choice(THANKS)]
        found.append(Thread(f"thread-{number}", first, tuple(messages), label))
    return found
