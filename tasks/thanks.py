"""Whether a text only says thanks, in a dozen languages. A text that may ask anything does not. Pure."""

import re

MOST_WORDS = 14
MOST_CHARS = 400

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_ASKS = re.compile("[?\uff1f\\d€$£]")

_THANKS = frozenset(
    """thanks thank thx ty cheers danke dankeschön merci gracias grazie obrigado obrigada bedankt dank tack takk tak
    kiitos dzięki dziękuję díky děkuji köszönöm teşekkürler спасибо ありがとう 谢谢 謝謝 감사합니다""".split()  # noqa: SIM905
)
"""One of these must be there."""

_BESIDE = frozenset(
    """you so much very a lot many again for the your help support quick fast reply answer response all that is was it
    this great perfect wonderful awesome excellent good ok okay yes hi hello dear team everyone regards best kind warm
    have nice day weekend works work working now solved resolved fixed done sorted appreciate appreciated i we me us my
    our and to in advance really got
    ihnen dir euch sehr schön nochmals für die ihre deine schnelle hilfe antwort alles gut super perfekt hallo liebe
    grüße mit freundlichen guten tag das hat geklappt funktioniert jetzt vielen
    beaucoup pour votre aide réponse bonjour cordialement parfait c'est bien bonne journée
    muchas por su tu ayuda respuesta todo perfecto hola saludos
    mille per il vostro tutto ciao saluti molte muito pela sua ajuda tudo
    hartelijk voor uw je hulp alvast veel wel heel så mycket tusen mange hjälpen hjelpen""".split()  # noqa: SIM905
)


def is_thanks(text: str) -> bool:
    """True only where every word is one of thanks or stands beside them, and nothing is asked."""
    if len(text) > MOST_CHARS or _ASKS.search(text):
        return False
    words = [word.casefold() for word in _WORD.findall(text.replace("\u2019", "'"))]
    known = all(word in _THANKS or word in _BESIDE for word in words)
    return known and len(words) <= MOST_WORDS and any(word in _THANKS for word in words)
