"""A conversation's opening as the journal has it: without what was looked up, which stands there already."""

from html import escape


def cut(text: str, context: str) -> tuple[str, int]:
    """(the opening without the context in it, where the context stood); 0 where nothing is cut out."""
    shown = escape(context, quote=False)
    at = text.find(shown) if context else 0
    return (text[:at] + text[at + len(shown) :], at) if at > 0 else (text, 0)


def whole(opening: str, context_at: int, context: str) -> str:
    """The opening as the model was sent it."""
    return opening[:context_at] + escape(context, quote=False) + opening[context_at:] if context_at else opening
