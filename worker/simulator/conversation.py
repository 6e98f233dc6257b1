"""What a request says, as far as a rule-based agent needs it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

_TICKET = re.compile(r"<ticket\b[^>]*>(.*?)</ticket>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_LABEL = re.compile(r"^- ([^\s:]+) \(([^)]*)\):?(.*)$", re.MULTILINE)
_WORD = re.compile(r"[a-z]{3,}")
_STEM = 5


@dataclass(frozen=True, slots=True)
class LabelWords:
    """The labels a system prompt names, and how much each word stem speaks for each of them."""

    names: tuple[str, ...]
    weights: Mapping[str, tuple[tuple[int, float], ...]]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One request to the agent.

    ticket_id: `metadata.user_id`. text: the ticket's own words, unescaped. tools: offered ones by name.
    called: names of the tools called so far. turn: replies so far.
    prefetched: whether context came with the ticket. paused: whether one of them paused its turn.
    """

    ticket_id: str
    text: str
    labels: LabelWords
    tools: Mapping[str, Mapping[str, Any]]
    called: frozenset[str]
    prefetched: bool
    messages: int
    turn: int
    paused: bool


PAUSE_TEXT = "Still looking into it."


def read_conversation(payload: Mapping[str, Any]) -> Conversation:
    """Read a valid request."""
    messages = payload["messages"]
    replies = [message for message in messages if message["role"] == "assistant"]
    blocks = [block for reply in replies for block in _blocks(reply["content"])]
    return Conversation(
        ticket_id=str((payload.get("metadata") or {}).get("user_id") or ""),
        text=_ticket_text(_text(messages[0]["content"])),
        labels=label_words(_text(payload.get("system") or "")),
        tools={tool["name"]: tool for tool in payload.get("tools") or ()},
        called=frozenset(block["name"] for block in blocks if block["type"] == "tool_use"),
        prefetched="<context>" in _text(messages[0]["content"]),
        messages=len(messages),
        turn=len(replies),
        paused=any(block.get("text") == PAUSE_TEXT for block in blocks),
    )


def stems(text: str) -> set[str]:
    """Word stems of a text: crude, but equal for "charge", "charged" and "charges"."""
    return {word[:_STEM] for word in _WORD.findall(text.lower())}


@lru_cache(maxsize=64)
def label_words(system: str) -> LabelWords:
    """The labels on lines like `- name (team): description`; a word that many labels share says little."""
    found = _LABEL.findall(system)
    described = [stems(f"{name.replace('_', ' ')} {description}") for name, _, description in found]
    named = [stems(name.replace("_", " ")) for name, _, _ in found]
    weights: dict[str, list[tuple[int, float]]] = {}
    for index, words in enumerate(described):
        for word in words:
            weights.setdefault(word, []).append((index, 2.0 if word in named[index] else 1.0))
    shared = {
        word: tuple((index, weight / len(entries)) for index, weight in entries) for word, entries in weights.items()
    }
    return LabelWords(tuple(name for name, _, _ in found), shared)


def _ticket_text(opening: str) -> str:
    block = _TICKET.search(opening)
    return unescape(_TAG.sub("\n", block[1])).strip() if block else ""


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(str(block.get("text", "")) for block in _blocks(content))


def _blocks(content: str | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
