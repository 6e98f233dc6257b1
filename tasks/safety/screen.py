"""Looks for the marks of prompt injection in a ticket. A signal for people and the plan, never a defence.

The defence is elsewhere: labels are an enum, tools are allow-listed, the customer comes from the envelope. Every
screen of this kind is evaded by an adaptive attacker (CONTRIBUTING.md, "Untrusted text"), so nothing may rest on a
clean result. Every repetition in a pattern is bounded, and neighbours do not overlap: hostile text costs linear time.
"""

import re

from tasks.safety.canary import says
from tasks.safety.normal_form import compared

MAX_CHARS = 60_000
"""The contract's longest body; what is longer is not read."""

_THING = (
    r"(?:instruct\w{0,8}|prompts?|rules?|guidelines?|directi(?:ons?|ves?)|orders|commands?|restrictions?|programming"
    r"|system message|training)"
)
_WHOSE = (
    r"(?:(?:all|any|of|the|your|my|these|those|previous|prior|preceding|above|earlier|former|other|initial|original"
    r"|system|safety|existing|current|given) ){0,5}"
)
_AI = r"(?:ai|bot|chatbot|model|assistant|agent|classifier|llm|language model|automated \w{1,12}|ai \w{1,12})"

_OVERRIDE = (
    rf"\b(?:ignore|disregard|forget|override|bypass|neglect|(?:do not|don't|stop) follow(?:ing)?) {_WHOSE}{_THING}\b",
    (
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything|what) (?:that )?(?:was|is|has been|i|you|you've)? ?"
        r"(?:said|told|written|were told|above|before|previously|earlier|so far|known?)\b"
    ),
    (
        rf"\b(?:new|updated|actual|special|additional|hidden|secret) (?:system )?{_THING}"
        r"(?: for you)? ?(?::|are\b|is\b|follow)"
    ),
    r"\bfrom now on,? you (?:are|will|must|should|shall)\b",
    r"\byou (?:must|should|shall|will) (?:now )?(?:obey|comply|ignore|disregard)\b",
    r"\binstead of (?:answering|classifying|routing|summari[sz]ing)\b",
    r"\b(?:olvida|ignora|ignore|esquece|dimentica)[rd]? (?:\w{1,10} ){0,3}(?:instruc|istruzioni|instruç|órdenes)",
    r"\b(?:ignorez|oubliez|ignore|oublie) (?:\w{1,12} ){0,3}(?:instructions|consignes)",
    r"\b(?:ignorier\w{0,4}|vergiss|vergessen sie|missachte) (?:\w{1,12} ){0,4}(?:anweisung|instruktion|regeln)",
)
_ROLE_PLAY = (
    r"\byou are now (?:a|an|the|in|called|acting|going|free|dan)\b",
    r"\byou are no longer (?:a|an|bound|required|restricted|subject)\b",
    r"\byou are (?:about|going) to (?:act|be|become|immerse|play|pretend|take)\b",
    r"\b(?:do anything now|jailbreak\w{0,5}|(?:developer|dan|god|unrestricted) mode|(?:unrestricted|evil) ai)\b",
    rf"\b(?:act|behave|respond|answer|reply|speak) as (?:if you|though you|a |an )(?:were |are )?{_AI}\b",
    r"\b(?:pretend|imagine) (?:that )?(?:you|we|there) ?(?:are|were|have|live|'re|is)\b",
    r"\b(?:let's|let us) (?:play|pretend|role-?play|imagine)\b",
)
_MODEL_TALK = (
    r"\b(?:system|hidden|initial|secret) (?:prompt|instructions?)\b",
    (
        r"\b(?:reveal|repeat|print|show|output|disclose|tell me|give me|what is|what's|what are|leak|divulge|share) "
        r"(?:me )?(?:your|the) (?:\w{1,12} ){0,2}"
        r"(?:prompt|instructions|secret key|secret password|system message|training data)\b"
    ),
    r"\b(?:language model|llms?|chatgpt|gpt-?[345]\w?|openai|as an ai|ai (?:model|agent|assistant|system))\b",
    r"\b(?:automated|virtual) (?:assistant|agent|classifier|triage|reader)\b",
    rf"\b(?:note|message|instruction|attention|memo|reminder)s? (?:for|to) (?:the |any |all )?{_AI}\b",
)
_ROUTING = (
    (
        r"\b(?:classify|label|route|categori[sz]e|triage|tag|re-?route) (?:this|the|all|every|these|it|any) "
        r"?(?:ticket|message|request|e-?mail|case|issue|conversation)?s? ?(?:as|to|under|with|into|for)\b"
    ),
    (
        r"\b(?:assign|mark|file|forward|escalate|send|move|close) (?:this|the|all|every|these) "
        r"(?:ticket|case|message)s? (?:as|to|under|with|into)\b"
    ),
    (
        r"\b(?:set|choose|select|pick|output|return|report|submit) (?:the |its |a |your )?"
        r"(?:label|team|priority|confidence|category|queue)\b"
    ),
    r"\bconfidence ?(?:of |to |is |= ?|: ?)?(?:1\.0|0?\.9\d?|100|1\b)",
)
_TOOL_MIMICRY = (
    (
        r"\b(?:call|use|invoke|execute|run|utili[sz]e|employ|trigger|leverage) (?:the |your |a |an )?[`'\"]?"
        r"(?:\w{1,24} ){0,3}(?:tool|function call|plugin|api|endpoint|code interpreter)s?\b"
    ),
    (
        r"\b(?:submit_decision|lookup_customer|search_knowledge_base|find_similar_tickets|read_attachment|ticket_context|tool_use|tool_result"
        r"|tool_call|function_call)\b"
    ),
    r"[{\[] ?\"(?:role|name|tool|type|label|function|arguments|action|content|team|priority)\" ?:",
    (
        r"(?-i:\b(?:[Uu]s(?:e|ing)|[Vv]ia|[Ww]ith|[Tt]hrough|[Bb]y|[Cc]all|[Ee]mploy|[Tt]he|[Uu]tili[sz]e|[Ll]everage) "
        r"[`'\"]?(?:[A-Z][a-z]{1,20}){3,6}\b)"
    ),
)
_DELIMITER = (
    (
        r"<\|?/?(?:im_start|im_end|system|assistant|user|human|endoftext|eot_id|ticket|instructions?|information"
        r"|tool_\w{1,8}|inst)\b[^<>\n]{0,60}>"
    ),
    r"\[/?(?:INST|SYSTEM|SYS|ASSISTANT)\]|<</?SYS>>|<!--|```|\"\"\"",
    r"^ {0,3}(?:#{1,6} ?)?(?:system|assistant|human|user|instructions?) ?:",
    r"^ {0,3}[-=#*]{3,12} ?(?:end|begin|start|new|system|instructions?|ticket)\b",
    r"\b(?:end of|begin|start of) (?:the )?(?:ticket|user input|instructions|prompt|system)\b",
)
_EXFILTRATION = (
    r"!\[[^\]\[\n]{0,80}\]\( ?https?:",
    r"\bhttps?://[^\s?&#=]{0,200}[?&#][^\s?&#=]{1,40}=",
    (
        r"\b(?:send|forward|e-?mail|post|upload|exfiltrate|transmit|leak|copy)\b[^.\n]{1,60}\b(?:to|at) "
        r"(?:https?://|[\w+-]{1,40}(?:\.[\w+-]{1,40}){0,3}@|this (?:url|address|server)\b|the attacker\b)"
    ),
)
_ENCODED = (
    r"(?-i:(?=[A-Za-z0-9+/]{0,40}[0-9+/A-Z])(?=[A-Za-z0-9+/]{0,40}[a-z])[A-Za-z0-9+/]{40})",
    r"\b(?:base ?64|rot-?13|hex(?:adecimal)?[- ]encoded|url[- ]encoded|morse code|caesar cipher|leetspeak|pig latin)\b",
    r"(?:\\x[0-9a-f]{2}){4}|(?:\\u[0-9a-f]{4}){3}|(?:&#x?[0-9a-f]{2,6};){3}|(?:%[0-9a-f]{2}){6}|\b(?:[01]{8} ?){3}",
    r"(?:[.\-]{1,6} /? ?){8}",
    r"\b[a-z] ?\+ ?[a-z] ?\+ ?[a-z]\b|\b[a-z] ?= ?['\"]|['\"] ?\+ ?['\"]",
)
_SIGNALS = {
    name: re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.MULTILINE)
    for name, patterns in {
        "override": _OVERRIDE,
        "role_play": _ROLE_PLAY,
        "model_talk": _MODEL_TALK,
        "routing_order": _ROUTING,
        "tool_mimicry": _TOOL_MIMICRY,
        "delimiter": _DELIMITER,
        "exfiltration": _EXFILTRATION,
        "encoded": _ENCODED,
    }.items()
}
_BLANKS = re.compile(r"[ \t\r\f\v]{2,}|\t")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_HIDDEN = re.compile(
    "[\u202d\u202e]"  # override the direction of what follows; isolates and marks are ordinary in right-to-left mail
    "|[\U000e0000-\U000e007f]{8}"  # tags spell ASCII invisibly; a flag emoji has fewer
    "|[A-Za-z][\u00ad\u200b\u2060-\u2064\ufeff][A-Za-z]{1,20}[\u200b\u2060-\u2064\ufeff][A-Za-z]"
)


def screen(text: str, canary: str = "") -> tuple[str, ...]:
    """Names of the injection signals in a ticket's text, each once; empty when there are none.

    canary: a token that only our own instructions have: a ticket that quotes it has learned it.
    """
    text = text[:MAX_CHARS]
    signals = ["canary"] if says(canary, text) else []
    if not text.isascii():
        if _HIDDEN.search(text):
            signals.append("hidden_text")
        text = compared(_INVISIBLE.sub("", text)).replace("\u2019", "'")[: 2 * MAX_CHARS]
    text = _BLANKS.sub(" ", text)
    return (*signals, *(name for name, pattern in _SIGNALS.items() if pattern.search(text)))
