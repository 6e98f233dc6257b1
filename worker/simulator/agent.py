"""The rule-based agent: look something up once, then submit the label whose words the ticket uses most."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.simulator.conversation import Conversation, stems

SEARCH = "search_knowledge_base"
SUBMIT = "submit_decision"

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_URGENT = {"urgen", "immed", "fraud", "stole", "hacke", "unaut", "emerg"}
_QUOTE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says. calls: (tool name, arguments) in order; text: words before them, "" for none."""

    calls: tuple[tuple[str, Any], ...] = ()
    text: str = ""
    stop_reason: str = "end_turn"


def next_turn(conversation: Conversation) -> Turn:
    """The well-behaved answer."""
    if SEARCH in conversation.tools and SEARCH not in conversation.called:
        query = " ".join(conversation.text.split())[:_QUOTE_CHARS] or "support"
        return tool_turn(SEARCH, fitted(conversation.tools[SEARCH], {"query": query}))
    if SUBMIT in conversation.tools and conversation.text and conversation.labels.names:
        return tool_turn(SUBMIT, fitted(conversation.tools[SUBMIT], submission(conversation)))
    return Turn(text="I have nothing to decide on: there is no ticket, no label or no tool to submit with.")


def tool_turn(name: str, arguments: Any) -> Turn:
    """A turn of one tool call."""
    return Turn(((name, arguments),), stop_reason="tool_use")


def submission(conversation: Conversation) -> dict[str, Any]:
    """Arguments for `submit_decision` that satisfy its contract."""
    label, confidence = _best_label(conversation)
    quote = _best_quote(conversation.text, label)
    urgent = bool(stems(conversation.text) & _URGENT)
    return {
        "label": label,
        "priority": "high" if urgent else "normal",
        "summary": f"The requester writes about {label.replace('_', ' ')}.",
        "rationale": f"The words of the ticket fit {label} better than any other label.",
        "evidence": [quote],
        "confidence": confidence,
    }


def fitted(tool: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """`known` arguments for the properties a tool has, plausible ones for the rest of what it requires."""
    schema = tool["input_schema"]
    properties = schema.get("properties", {})
    wanted = {name: value for name, value in known.items() if name in properties}
    missing = {name for name in schema.get("required", ()) if name not in wanted}
    return wanted | {name: sample(properties.get(name, {}), schema.get("$defs", {})) for name in sorted(missing)}


def sample(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """Some value that fits a schema's type."""
    if reference := schema.get("$ref"):
        return sample(definitions.get(str(reference).rpartition("/")[2], {}), definitions)
    for one_of in ("enum", "anyOf"):
        if options := schema.get(one_of):
            return options[0] if one_of == "enum" else sample(options[0], definitions)
    match schema.get("type"):
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return [sample(schema.get("items", {}), definitions)]
        case "object":
            return {}
        case _:
            return "support"


def _best_label(conversation: Conversation) -> tuple[str, float]:
    """The label with the most weight, and a confidence that grows with its lead over the next."""
    labels = conversation.labels
    scores = [0.0] * len(labels.names)
    for word in stems(conversation.text):
        for index, weight in labels.weights.get(word, ()):
            scores[index] += weight
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] == 0:
        return labels.names[best], 0.3
    second = max((score for index, score in enumerate(scores) if index != best), default=0.0)
    return labels.names[best], round(0.6 + 0.38 * (1 - second / scores[best]), 2)


def _best_quote(text: str, label: str) -> str:
    """The sentence that shares the most words with the label, verbatim, cut between words where it is long."""
    wanted = stems(label.replace("_", " "))
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence.strip()] or [text]
    best = max(sentences, key=lambda sentence: (len(stems(sentence) & wanted), -len(sentence)))
    if len(best) <= _QUOTE_CHARS:
        return best
    return best[:_QUOTE_CHARS].rpartition(" ")[0] or best[:_QUOTE_CHARS]
