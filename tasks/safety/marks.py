"""The marks by which a text may show that it speaks to whatever reads it for people, and not to people.

A mark of words is tried where one of its first words stands, a mark of signs where a text has one of its signs: an
ordinary ticket costs one pass over its words. Every repetition in a pattern is bounded, and neighbours do not overlap:
hostile text costs linear time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """says: what it means, to stand after "a passage". weight: log odds, see `tasks/safety/screen.py`.

    pattern: matched in the lower-case text where one of `words` stands. searched: in the text as it is, each where one
    of its signs is. own: it speaks of this agent or of models; no traffic makes it ordinary.
    """

    name: str
    says: str
    weight: float
    words: frozenset[str]
    pattern: re.Pattern[str]
    searched: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]
    own: bool


def found(text: str) -> Iterator[tuple[Mark, Span]]:
    """Every mark that a text has, with its first place. Letters must be as in `lowered`."""
    places: dict[str, Span] = {}
    lower = lowered(text)
    for token in _TOKEN.finditer(lower):
        for mark in _BY_WORD.get(token[0], ()):
            if mark.name not in places and (matched := mark.pattern.match(lower, token.start())):
                places[mark.name] = matched.span()
    for mark in _SEARCHED:
        if mark.name not in places and (span := _searched(mark, text)):
            places[mark.name] = span
    return ((mark, places[mark.name]) for mark in MARKS if mark.name in places)


def _searched(mark: Mark, text: str) -> Span | None:
    for signs, pattern in mark.searched:
        if any(sign in text for sign in signs) and (seen := pattern.search(text)):
            return seen.span()
    return None


def lowered(text: str) -> str:
    """In lower case, each letter where it was: of one only is the lower case longer."""
    return text.replace("\u0130", "I").lower()


def _mark(
    name: str, says: str, weight: float, words: str, patterns: Iterable[str],
    searched: Iterable[tuple[str, str]] = (), *, own: bool = False,
) -> Mark:  # fmt: skip
    pattern = re.compile("|".join(f"(?:{each})" for each in patterns))
    signed = tuple((tuple(signs.split()), re.compile(each, re.MULTILINE)) for signs, each in searched)
    return Mark(name, says, weight, frozenset(words.split()), pattern, signed, own)


_TOKEN = re.compile(r"\w+")

_STATED = (
    r"(?:instructions?|prompts?|guidelines?|directives?|system message|rules?|commands?|orders|restrictions?|programming"
    r"|training|tasks?)"
)
_WHOSE = (
    r"(?:(?:\w{2,10},? ){0,3}?(?:your|previous|prior|preceding|above|earlier|former|safety|initial|original|system) )"
)
_AI = (
    r"(?:ai|bot|chatbot|llm|language model|classifier|model|assistant|(?:automated|ai|virtual|support|triage) (?:assistant"
    r"|agent|model|system|bot|reader|classifier))"
)
_ITEM = r"(?:ticket|message|request|e-?mail|case|issue|conversation|enquiry|inquiry)"
_ANSWER = r"(?:answers?|repl(?:y|ies)|responses?)"
_TEXT = (
    r"(?:e-?mails?|poems?|haikus?|stor(?:y|ies)|essays?|functions?|scripts?|code|programs?|letters?|lists?|posts?"
    r"|articles?|sentences?|paragraphs?|speech|songs?|jokes?|summary|recipe|headline|reviews?)\b"
)

MARKS = (
    _mark(
        "override", "asks its reader to drop its instructions", 5.0,
        "ignore disregard forget override bypass neglect do don stop olvida olvídate olvide ignora ignorar esqueça"
        " esquece dimentica ignorez oubliez oublie ignorieren ignoriere ignorier vergiss vergessen missachte kalimutan"
        " abaikan lupakan quên unut игнорируй игнорируйте забудь забудьте تجاهل",
        (
            rf"(?:ignore|disregard|forget|override|bypass|neglect|(?:do not|don't|stop) follow(?:ing)?) {_WHOSE}"
            rf"(?:\w{{2,12}} )?{_STATED}\b",
            r"(?:ignore|disregard|forget) (?:all|any|these|those)(?: of)?(?: the| these| those)? (?:instructions|prompts|guidelines)\b",
            r"(?:ignore|disregard|forget) (?:about )?(?:everything|all|anything|what) (?:that )?"
            r"(?:was|is|has been|i|you|you've)? ?"
            r"(?:said|told|written|were told|above|before|previously|earlier|so far|known?|those rules)\b",
            r"(?:olv[ií]da|olvide|ignora|esque[cç]|dimentica)\w{0,4} (?:\w{1,10} ){0,4}"
            r"(?:instruc|istruzioni|instruç|órdenes|reglas|regole|regras)",
            r"(?:ignorez|oublie[rz]?|ignore) (?:\w{1,12} ){0,4}(?:instructions précédentes|consignes|règles)",
            r"(?:ignorier\w{0,4}|vergiss|vergessen sie|missachte) (?:\w{1,12} ){0,5}(?:anweisung|instruktion|regeln)",
            r"(?:kalimutan|abaikan|lupakan|quên|unut|игнорируй|забудь|تجاهل)\w{0,4}\b[^.\n]{0,50}"
            r"(?:tagubilin|tuntunin|instruksi|petunjuk|aturan|chỉ dẫn|hướng dẫn|quy tắc|talimat|kural|инструкц|указани"
            r"|правил|تعليمات|قواعد)",
        ),
        (
            ("指示 指令 规则 ルール", r"(?:指示|指令|ルール|规则)[^。\n]{0,12}(?:無視|忘れ|忽略)"),
            ("忽略 忘记", r"(?:忽略|忘记)[^。\n]{0,12}(?:指示|指令|规则)"),
            ("지시", r"지시[^.\n]{0,12}(?:무시|잊)"),
            ("निर्देश", r"निर्देश[^।\n]{0,30}(?:अनदेख|भूल|उपेक्ष)"),
        ),
        own=True,
    ),
    _mark(
        "new_orders", "gives orders that are to hold from now on", 2.0,
        "new updated actual special additional hidden secret real from you regardless instead",
        (
            r"(?:new|updated|actual|special|additional|hidden|secret|real) (?:system )?(?:instructions|orders|directives?|rules)"
            r"(?: for you)? ?(?::|are\b|follow)",
            r"from now on,? you (?:are|will|must|should|shall)\b",
            r"you (?:must|should|shall|will) (?:now )?(?:obey|comply|ignore|disregard)\b",
            r"regardless of (?:its|the|your|any|all) (?:actual |previous |real )?(?:contents?|instructions?|tasks?)\b",
            r"instead of (?:answering|classifying|routing|summari[sz]ing)\b",
        ),
    ),
    _mark(
        "role_play", "gives its reader a role to play", 3.0,
        "you do jailbreak jailbroken developer dan god unrestricted evil act behave respond answer reply speak enter",
        (
            r"you are now (?:an?|called|acting(?: as)?|dan|the) (?!detached)\w",
            r"you are about to (?:act|become|immerse|play|pretend)\b|you are going to (?:act|pretend|play) ",
            r"you(?:'re| are) an? (?:\w{1,12} ){0,2}(?:ai|navigator|librarian|robot|god)\b",
            r"do anything now\b|jailbr\w{1,8} (?:mode|prompt)|(?:enter )?(?:dan|god|unrestricted) mode\b|enter developer mode\b"
            r"|(?:unrestricted|evil) ai\b",
            r"(?:act|behave|respond|answer|reply|speak) as (?:if you were |though you were )?(?:an? )?(?:ai|bot|chatbot|llm"
            r"|language model|(?:unrestricted|evil) \w{1,12})\b",
        ),
    ),
    _mark(
        "imagined", "asks its reader to imagine something", 2.5,
        "pretend imagine let",
        (r"(?:pretend|imagine|let's (?:pretend|imagine)) (?:that )?(?:you|we|there) ?(?:are|were|have|live|'re|is)\b",),
    ),
    _mark(
        "to_the_reader", "speaks to a program that reads it", 4.0,
        "system hidden initial reveal repeat print show output disclose tell give what leak divulge share as automated note"
        " notes message messages instruction instructions attention memo reminder directive hint dear hey hello hi you"
        " whoever",
        (
            r"(?:system|hidden|initial) prompt\b",
            r"(?:reveal|repeat|print|show|output|disclose|tell me|give me|what is|what's|what are|leak|divulge|share) "
            r"(?:me )?your (?:\w{1,12} ){0,2}(?:prompt|instructions|system message|training data)\b",
            r"as an ai\b|automated (?:assistant|agent|classifier|triage|reader)s? (?:read|process|handl|that|who)",
            rf"(?:note|instruction|attention|memo|reminder|directive|hint)s?,? (?:for|to) (?:the |any |all |you,? )?{_AI}\b",
            r"messages? (?:for|to) (?:the |any |all |you,? )?(?:ai|llm|language model|classifier|ai \w{1,12}|automated \w{1,12})\b",
            r"(?:dear|hey|hello|hi|attention),? (?:the |any |all )?(?:ai|chatbot|llm|language model|classifier"
            r"|triage (?:bot|agent)|ai \w{1,12}|automated \w{1,12})\b",
            r"you,? (?:the|as an?) (?:support |ai |virtual |automated )?(?:assistant|ai|bot|model|classifier)\b",
        ),
        own=True,
    ),
    _mark(
        "model_talk", "talks of language models", 1.5,
        "language llm llms chatgpt gpt openai ai",
        (r"(?:language model|llms?|chatgpt|gpt-?[345]\w?|openai|ai (?:model|agent|assistant|system))\b",),
    ),
    _mark(
        "routing_order", "says how it is to be classified", 3.5,
        "classify label categorize categorise triage do don never",
        (
            rf"(?:classify|label|categori[sz]e|triage) (?:this|the|all|every|these) {_ITEM}s? ?(?:as|under|with|into)\b",
            rf"(?:do not|don't|never) (?:route|classify|triage|label) (?:this|the) {_ITEM}\b",
        ),
        own=True,
    ),
    _mark(
        "routing_wish", "says where it is to go", 2.0,
        "route re reroute assign mark file escalate move close tag set choose select confidence classify label",
        (
            rf"(?:re-?route|route|assign|mark|file|escalate|move|close|tag|classify|label) (?:this|the|it|all|every) ?{_ITEM}?s? "
            r"?(?:as|under|into|to)\b",
            r"(?:set|choose|select) (?:the |its |a |your )?(?:label|priority|confidence|category|queue) (?:to|as|of)\b",
            r"confidence ?(?:of |to |is |= ?|: ?)?(?:1\.0|0?\.9\d?|100|1\b)",
        ),
    ),
    _mark(
        "tool_mimicry", "names the agent's tools", 5.0,
        "submit_decision lookup_customer search_knowledge_base find_similar_tickets read_attachment ticket_context",
        (r"(?:submit_decision|lookup_customer|search_knowledge_base|find_similar_tickets|read_attachment|ticket_context)\b",),
        own=True,
    ),
    _mark(
        "tool_talk", "asks for a tool to be called", 2.0,
        "call use invoke trigger tool_use tool_result tool_call function_call",
        (
            r"(?:tool_use|tool_result|tool_call|function_call)\b",
            r"(?:call|use|invoke|trigger) (?:your|the) [`'\"]?(?:\w{1,24} ){0,2}(?:tool|plugin)\b",
        ),
    ),
    _mark(
        "chat_tokens", "imitates the frame of a model's conversation", 4.0, "", (),
        (
            (
                "<",
                r"<(?:\|im_(?:start|end)\||\|?(?:system|assistant|endoftext|eot_id)\||/?(?i:system|instructions?|information"
                r"|important|inst|ticket)[ !:]{0,4})>",
            ),
            ("<|", r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id)\b"),
            ("INST] SYSTEM] SYS] SYS>>", r"\[/?(?:INST|SYSTEM|SYS)\]|<</?SYS>>"),
            ("SYSTEM ASSISTANT INSTRUCTION", r"^[ #*]{0,6}(?:SYSTEM|ASSISTANT|INSTRUCTIONS?)(?: [A-Z]{3,10})?[*_]{0,2} ?:"),
            (
                "nd of egin EGIN BEGIN END tart of",
                r"^[ \-=#*]{0,16}(?i:end|begin|start)(?i: of)? (?i:the )?(?i:ticket|user input|instructions?|prompt|system)\b",
            ),
        ),
    ),
    _mark(
        "speaker_line", "speaks as somebody else in a conversation", 2.0, "", (),
        (
            (
                "em: nt: AI: ai: an: ns: on: te: ge: de: em:* nt:* em** nt** evil",
                r"^[ #*]{0,6}(?i:system|assistant|human|ai|instructions?)(?i: (?:message|note|prompt|override|update))?[*_]{0,2}"
                r" ?:(?!/)",
            ),
        ),
    ),
    _mark(
        "do_first", "puts a task before the work on it", 3.0,
        "before you after",
        (
            r"before (?:you )?(?:classify|rout|triag)\w{0,3}\b",
            r"you must first (?:do )?the following\b",
            r"after (?:that|this),? you (?:can|may|should) (?:continue|go on|proceed|resume) (?:as|with your)\b",
        ),
    ),
    _mark(
        "secrets", "asks its reader for secrets", 3.0,
        "what tell share give reveal send contain contains if tu su votre ihr dein sua tua sifren mật kata",
        (
            r"(?:what is|what's|what|tell me|share|give me|reveal|send me|contains?|if) (?:me )?your "
            r"(?:(?:secret|admin|system|own|account) )?(?:password(?! (?:polic|rule|reset))|passcode|secret|credentials)",
            r"(?:what is|what's|tell me|give me|reveal|share) your (?:secret|private|system) (?:key|code|token)s?\b",
            r"(?:tu|su|votre|ihr|dein|sua|tua|sifren|mật khẩu|kata sandi) ?(?:contraseña|mot de passe|passwort"
            r"|senha|password|của bạn|anda)",
        ),
    ),
    _mark(
        "writing_task", "asks for a text, a translation or a program", 2.5,
        "write compose draft generate create develop translate summarize summarise rephrase paraphrase proofread how"
        " explain describe",
        (
            rf"(?:write|compose|draft|generate|create|develop) (?:me )?(?:an?|the|some|any) (?:\w{{1,14}} ){{0,4}}{_TEXT}",
            r"(?:translate|summari[sz]e|rephrase|paraphrase|proofread) (?:this|the|it|that|these|following|into|'|\")",
            r"how do (?:you|i) say\b",
            r"(?:explain|describe) the (?:theory|process|life ?cycle|concept|history|principle|meaning)",
        ),
    ),
    _mark(
        "shape_the_answer", "says what an answer has to look like", 3.0,
        "modify enhance augment integrate begin end conclude replace convert substitute introduce remove group jumble"
        " combine shuffle scramble start finish append use",
        (
            r"(?:modify|enhance|augment|integrate|begin|end|start|finish|conclude|replace|convert|substitute|introduce|remove"
            rf"|group|jumble|combine|shuffle|scramble|append|use)\b[^.\n]{{1,60}}?\byour (?:\w{{1,10}} )?{_ANSWER}\b",
            rf"(?:modify|enhance|augment|begin|end|start|conclude) your {_ANSWER}\b",
        ),
    ),
    _mark(
        "answer_wish", "says what an answer has to contain", 2.0,
        "include add provide format insert mention write in give",
        (
            r"(?:include|add|provide|format|insert|mention|write|give)\b[^.\n]{1,60}?\b(?:your|this|each|every) "
            rf"(?:\w{{1,10}} )?{_ANSWER}\b",
            rf"in your (?:next |final |own )?{_ANSWER},",
            rf"(?:provide|format|write|give) your {_ANSWER}\b",
        ),
    ),
    _mark(
        "stealth", "asks for something to be done unseen or without leave", 2.5,
        "covertly covert undetected secretly stealthily unnoticed without bypass exfiltrate manipulate falsify forge tamper",
        (
            r"(?:covert(?:ly)?|undetected|secretly|stealthily|unnoticed) (?:\w{1,14} ){0,3}"
            r"(?:access|transfer|shutdown|update|data|copy|change|surveillance|modif\w{1,8}|from|by|during|to)\b",
            r"without (?:the )?(?:user|customer|anyone|anybody|them|being|triggering|raising)(?:'s)? "
            r"(?:knowing|noticing|noticed|detected|alarms?|alerts?|suspicion)\b",
            r"(?:bypass|exfiltrate|manipulate|falsify|forge|tamper with) (?:the |and |any |all )?(?:\w{1,14} ){0,2}"
            r"(?:data|records?|systems?|security|logs?|identit\w{1,4}|measurements?|readings?|controls?)\b",
        ),
    ),
    _mark(
        "unauthorized", "asks for what is not authorized", 2.0,
        "unauthorized unauthorised",
        (
            r"unauthori[sz]ed (?:\w{1,14} ){0,3}(?:access|transfer|shutdown|update|data|copy|change|surveillance|modif\w{1,8})",
        ),
    ),
    _mark(
        "exfiltration", "asks for data to be sent elsewhere", 2.5,
        "send forward email e post upload exfiltrate transmit leak export copy",
        (
            r"(?:send|forward|e-?mail|post|upload|exfiltrate|transmit|leak|export|copy)\b[^.\n]{1,60}?\b(?:to|at) "
            r"(?:the |an? )?(?:https?://|website\b|external\b|[\w+-]{1,40}(?:\.[\w+-]{1,40}){0,3}@"
            r"|this (?:url|address|server)\b|the attacker\b)",
        ),
    ),
    _mark(
        "decode", "asks its reader to decode something", 4.0,
        "decode decipher decrypt base64 base rot13 caesar morse hex binary cipher decodificar décoder decodieren",
        (
            r"(?:decode|decipher|decrypt) (?:this|that|the following|it|and|from) (?:base ?64|rot-?13|caesar|c[ée]sar|morse"
            r"|pig latin|hex|cipher|secret)\b",
            r"(?:base ?64|rot-?13|caesar|morse|hex|binary|cipher)\b[^.\n]{0,30}? and (?:follow|obey) ",
            r"d[eé]cod\w{1,6} (?:\w{1,8} ){0,3}(?:c[ée]sar|morse)",
        ),
        own=True,
    ),
    _mark(
        "encoded", "is written in a code", 2.0, "", (),
        (
            ("=", r"(?<![\w/+])(?![a-z]{40}|[A-Z]{40}|[0-9]{40})[A-Za-z0-9+/]{40,1000}+={1,2}(?!\w)"),
            ("0100 0110 0111", r"\b(?:[01]{8} ){3}"),
            ("\\x", r"(?:\\x[0-9a-fA-F]{2}){6}"),
            ("\\u", r"(?:\\u[0-9a-fA-F]{4}){4}"),
            ("&#", r"(?:&#x?[0-9a-fA-F]{2,6};){4}"),
            ("%", r"(?:%[0-9a-fA-F]{2}){6}"),
            ("-. .-", r"(?:[.\-]{1,6} /? ?){8}"),
        ),
    ),
    _mark(
        "fake_dialogue", "imitates a conversation", 2.5, "", (),
        (
            ("Q:", r"\bQ ?: [^\n]{3,300}?\bA ?: "),
            ("{", r"\{ ?[A-Z]\w{1,12} [A-Z]\w{1,12} ?\}"),
            (
                "er: an: ER: AN:",
                r"^ {0,3}(?i:user|human|customer) ?: [^\n]{1,400}\n{1,2} {0,3}(?i:assistant|ai|agent|bot) ?:",
            ),
        ),
    ),
)  # fmt: skip
"""Found in whatever text; what is ordinary in a deployment's own tickets is left out (`tasks/safety/traffic.py`)."""

_BY_WORD: dict[str, tuple[Mark, ...]] = {
    word: tuple(mark for mark in MARKS if word in mark.words)
    for word in {word for mark in MARKS for word in mark.words}
}
_SEARCHED = tuple(mark for mark in MARKS if mark.searched)
