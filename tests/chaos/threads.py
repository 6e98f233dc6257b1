"""Synthetic conversations, made by us from the sample's test tickets: what they are about changes, or does not.

Not real ones: the words of each mail are a sample ticket's or a stock phrase, so they show order, doubling and crashes
better than they show judgement. What was looked at while the local tier was built has phrases and tickets of its own
(`DEV`); figures are of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from worker import sample


@dataclass(frozen=True)
class Phrases:
    """nudges ask for an answer; vague begins with nothing; turns lead to another matter; place: of its tickets, 0 or 1,
    among every two.
    """

    nudges: Sequence[str]
    vague: Sequence[str]
    turns: Sequence[str]
    thanks: Sequence[str]
    place: int


DEV = Phrases(
    (
        "Any news?",
        "I am still waiting for an answer.",
        "Hello? Is anybody there?",
        "Please get back to me.",
        "Can somebody look at this?",
    ),
    ("Hello, I have a question.", "Hi, can you help me please?", "Good morning, I need your help."),
    ("Sorry, that is solved. But now: {}", "One more thing, which is what matters now: {}", "{}"),
    ("Thanks!", "Thank you very much.", "Great, thanks for the help."),
    0,
)

HELD_OUT = Phrases(
    (
        "Did you get my last message?",
        "It has been three days now and I have heard nothing from you.",
        "Could you give me an update on this, please?",
        "I wrote to you on Monday. What is happening?",
        "Hi again, just checking in.",
        "This is urgent for me, please answer soon.",
        "Who is dealing with my case?",
    ),
    (
        "Hi there",
        "I hope that you can assist me with something.",
        "Dear team, there is a matter I would like to raise.",
    ),
    (
        "Never mind what I asked before, I found it myself. My new question: {}",
        "Forget the above. {}",
        "{} That is what I need to know, the rest is settled.",
        "Hello again. The first thing is done, thank you. Something else has come up: {}",
        "{}",
    ),
    ("Cheers!", "Many thanks for your reply.", "Ok, thank you all."),
    1,
)


@dataclass(frozen=True)
class Thread:
    """One conversation. messages: what is added, oldest first. label: the one that all of it calls for."""

    id: str
    first: str
    messages: tuple[str, ...]
    label: str


def threads(count: int, seed: int = 1, phrases: Phrases = HELD_OUT) -> list[Thread]:
    """A third keep to what they began with, a third turn to another matter, a third begin with nothing."""
    dice = Random(seed)
    rows = sample.rows("test")[phrases.place :: 2]
    found = []
    for number in range(count):
        one, other = dice.sample(rows, 2)
        nudges = dice.sample(phrases.nudges, dice.randint(1, 3))
        turn = dice.choice(phrases.turns).format(other["body"])
        match number % 3:
            case 0:
                first, messages, label = one["body"], nudges, one["label"]
            case 1:
                first, messages, label = one["body"], [*nudges[1:], turn, *nudges[:1]], other["label"]
            case _:
                first, messages, label = dice.choice(phrases.vague), [*nudges[1:], other["body"]], other["label"]
        if dice.random() < 0.3:
            messages = [*messages, dice.choice(phrases.thanks)]
        found.append(Thread(f"thread-{number}", first, tuple(messages), label))
    return found
