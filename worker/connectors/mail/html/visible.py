"""HTML of a mail as its reader sees it: hidden text out, cells apart, targets of links kept, quotes marked."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from worker.connectors.mail.html.marks import begins_earlier, is_quote, is_signature, marks
from worker.connectors.mail.html.styles import (
    TRANSPARENT,
    WHITE,
    Colour,
    Styles,
    background,
    colour,
    first,
    hides,
    is_invisible,
    is_tiny,
    plain_style,
    styles_of,
    text_colour,
    unseen,
)
from worker.connectors.mail.quote_words import WROTE

MAX_HTML_CHARS = 400_000
MAX_DEPTH = 400
"""Browsers stop at 512; parsing takes quadratic time in depth."""

MAX_TAGS = 40_000
"""Parsing takes quadratic time in unclosed siblings, too."""

MAX_LINK_CHARS = 300
MAX_SELECTED_TAGS = 5_000
"""Of a mail whose elements are compared with selectors."""


CUT = "[cut: the HTML goes on]"
CUT_HERE = "\x02"
"""A line of this alone: what a mail client marked as the beginning of the earlier mail."""

_SILENT = frozenset(
    {"head", "script", "style", "template", "title", "textarea", "select", "option", "iframe", "object", "noscript"}
    | {"svg", "math", "audio", "video", "canvas", "datalist", "noframes", "noembed", "input", "button"}
)
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li"}
    | {"main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_CELLS = frozenset({"td", "th"})
_LETTERLESS = re.compile(r"[\s\u200c\u200d]*")
_EMOJI = re.compile(r"emoji|emoticon", re.IGNORECASE)
_WHITE_SPACE = re.compile(r"(?:^|;)white-space:(pre|break-spaces)?")
_LINKED = ("http://", "https://", "mailto:", "tel:")
_DASHED = re.compile(r"-{3,}[^\n]{0,120}-{3,}")
_WROTE = re.compile(WROTE, re.IGNORECASE)

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_UNNESTED = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li"}
    | {"dd", "dt", "option", "colgroup", "rt", "rp"}
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DATA_URI = re.compile(r"data:[\w.+-]{0,60}/?[\w.+-]{0,60}[^\"'\s<>)]{200,}")


def html_text(html: str) -> str:
    """What a reader of the HTML sees, a line a block. Quoted parts get the `> ` they have in plain text."""
    return "\n".join(line for line in marked_text(html).split("\n") if line != CUT_HERE)


def marked_text(html: str) -> str:
    """As `html_text`, with a line of `CUT_HERE` where a mail client says that the earlier mail begins."""
    html = _DATA_URI.sub("", html)
    if len(html) > MAX_HTML_CHARS:
        for begin, end in (("<!--", "-->"), ("<style", "</style>")):
            html = _without(html, begin, end)
    if len(html) > MAX_HTML_CHARS:
        return f"{_marked(html[:MAX_HTML_CHARS])}\n{CUT}"
    return _marked(html)


def _without(html: str, begin: str, end: str) -> str:
    """Without what stands between such signs; an open one stays."""
    folded = html.lower() if len(html.lower()) == len(html) else html
    kept: list[str] = []
    at = 0
    while (start := folded.find(begin, at)) >= 0 and (stop := folded.find(end, start)) >= 0:
        kept.append(html[at:start])
        at = stop + len(end)
    return "".join((*kept, html[at:]))


def _marked(html: str) -> str:
    if html.count("<") > MAX_TAGS or _depth(html) > MAX_DEPTH:
        return _tagless(html)
    tree = LexborHTMLParser(html)
    if tree.root is None:
        return ""
    styles = styles_of(html)
    few = html.count("<") < MAX_SELECTED_TAGS
    page = _Page(styles, _selected(tree, styles.hiding * few), _selected(tree, styles.grounding * few))
    return page.read(tree.root)


def _selected(tree: LexborHTMLParser, selectors: list[str]) -> frozenset[int]:
    """The elements that these mean, by their place in memory."""
    found: set[int] = set()
    for selector in selectors:
        with suppress(SelectolaxError, ValueError):
            found |= {node.mem_id for node in tree.css(selector)}
    return frozenset(found)


def _depth(html: str) -> int:
    """At least as deep as a parser would nest it, in one pass."""
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() not in _UNNESTED:
            depth = max(0, depth - 1) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _tagless(html: str) -> str:
    """For what is built to be slow: every tag out, whatever it hides."""
    text = re.sub(r"<[^<>]{0,2000}>", " ", _COMMENT.sub("", html))
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


@dataclass(slots=True)
class _State:
    """What holds within an element. quotes: how many are open. letters, ground: their colours, None where not said or
    not known.
    """

    quotes: int = 0
    preformatted: bool = False
    tiny: bool = False
    invisible: bool = False
    letters: Colour | None = None
    ground: Colour | None = WHITE

    @property
    def is_unseen(self) -> bool:
        return self.tiny or self.invisible or unseen(self.letters, self.ground)


@dataclass(slots=True)
class _Page:
    """Collects lines, each with whether it is quoted. selected: elements that a style sheet hides; grounded: that it
    puts a colour behind.
    """

    styles: Styles
    selected: frozenset[int]
    grounded: frozenset[int]
    lines: list[tuple[int, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    state: _State = field(default_factory=_State)

    def read(self, root: Any) -> str:
        """Walk without recursing: a mail may be nested deeply."""
        stack: list[tuple[Any, Iterator[Any] | None, _State]] = [(root, None, self.state)]
        while stack:
            node, children, before = stack[-1]
            if children is None:
                before = self.state
                self.state = replace(before)
                inner = self._enter(node)
                if inner is None:
                    self.state = before
                    stack.pop()
                    continue
                children = inner
                stack[-1] = (node, children, before)
            child = next(children, None)
            if child is not None:
                stack.append((child, None, before))
                continue
            self._leave(node)
            self.state = before
            stack.pop()
        self._end_line()
        return "\n".join(f"{'> ' if quoted and line != CUT_HERE else ''}{line}" for quoted, line in self.lines).strip()

    def _enter(self, node: Any) -> Iterator[Any] | None:
        """The children to read, or None where nothing of the node is seen."""
        if node.is_text_node:
            self._text(node.text_content or "")
            return None
        tag, attributes = node.tag or "", node.attributes
        style = plain_style(attributes.get("style") or "")
        names = marks(attributes)
        if node.is_comment_node or tag in _SILENT or self._is_hidden(node, tag, attributes, style):
            return None
        if tag in ("br", "img"):
            self._single(tag, attributes)
            return None
        if tag in _BLOCKS:
            self._end_line()
        self._mark(node, tag, names, style)
        self._set(node, tag, attributes, style)
        children: Iterator[Any] = node.iter(include_text=True)
        return children

    def _mark(self, node: Any, tag: str, names: frozenset[str], style: str) -> None:
        if begins_earlier(tag, names, style) and not _is_passed_on((node.text() or "")[:200]):
            self._end_line()
            self.lines.append((self.state.quotes, CUT_HERE))
        if is_signature(node, names):
            self._end_line()
            self.lines.append((self.state.quotes, "-- "))
        self.state.quotes += is_quote(node, tag, names, style, quoted=bool(self.state.quotes))

    def _set(self, node: Any, tag: str, attributes: dict[str, str | None], style: str) -> None:
        """What holds for the text within."""
        state = self.state
        if tag == "pre":
            state.preformatted = True
        if said := _WHITE_SPACE.search(style):
            state.preformatted = bool(said[1])
        names = _selectors(tag, attributes)
        for tiny in (*first(names, self.styles.tiny), *is_tiny(style)):
            state.tiny = tiny
        for invisible in (*first(names, self.styles.invisible), *is_invisible(style)):
            state.invisible = invisible
        inline = (colour(attributes["color"] or ""),) if "color" in attributes else ()
        for letters in (*first(names, self.styles.colours), *inline, *text_colour(style)):
            state.letters = letters
        grounds = [*first(names, self.styles.grounds), background(style)]
        if attributes.get("bgcolor"):
            grounds.insert(-1, colour(attributes["bgcolor"] or ""))
        if "background" in attributes or (self.grounded and node.mem_id in self.grounded):
            grounds.append(None)
        for ground in grounds:
            state.ground = state.ground if ground is TRANSPARENT else ground

    def _single(self, tag: str, attributes: dict[str, str | None]) -> None:
        """A line end; a picture that stands for a letter."""
        if tag == "br":
            self._end_line(forced=True)
        elif "data-emoji" in attributes or _EMOJI.search(attributes.get("class") or ""):
            self.words.append((attributes.get("alt") or "")[:20])

    def _leave(self, node: Any) -> None:
        tag = node.tag or ""
        if tag == "a":
            self._target(node)
        if tag in _CELLS:
            self.words.append(" ")
        if tag in _BLOCKS:
            self._end_line()

    def _text(self, text: str) -> None:
        if self.state.is_unseen:
            return
        if not self.state.preformatted:
            self.words.append(text)
            return
        first_line, *rest = text.split("\n")
        self.words.append(first_line)
        for line in rest:
            self._end_line(forced=True)
            self.words.append(line)

    def _target(self, node: Any) -> None:
        target = (node.attributes.get("href") or "").strip()[:MAX_LINK_CHARS]
        shown = " ".join((node.text() or "").split())
        if not target.lower().startswith(_LINKED) or not shown or self.state.is_unseen:
            return
        address = target.partition(":")[2] if target.lower().startswith(("mailto:", "tel:")) else target
        bare = address.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
        if bare not in shown.lower():
            self.words.append(f" <{address}>")

    def _is_hidden(self, node: Any, tag: str, attributes: dict[str, str | None], style: str) -> bool:
        if "hidden" in attributes or hides(style) or (tag == "dialog" and "open" not in attributes):
            return True
        if "gmail_signature_prefix" in (attributes.get("class") or ""):
            return True
        if self.selected and node.mem_id in self.selected:
            return True
        return not self.styles.hidden.isdisjoint(_selectors(tag, attributes))

    def _end_line(self, *, forced: bool = False) -> None:
        """forced: an empty line is one that the writer made."""
        said = "".join(self.words)
        line = said.rstrip() if self.state.preformatted else " ".join(said.split())
        self.words.clear()
        if line and _LETTERLESS.fullmatch(line):
            return
        if line or (forced and self.lines and self.lines[-1][1] and self.lines[-1][1] != CUT_HERE):
            self.lines.append((self.state.quotes, line))


def _is_passed_on(text: str) -> bool:
    """Whether dashes around words begin it, in whatever language; Zoho puts them around an attribution, too."""
    found = _DASHED.search(text)
    return bool(found) and not _WROTE.search(found[0])  # type: ignore[index]


def _selectors(tag: str, attributes: dict[str, str | None]) -> list[str]:
    """The names that a style sheet may have for an element, the weakest last."""
    names = [f"#{attributes['id']}"] if attributes.get("id") else []
    names += [f".{name}" for name in (attributes.get("class") or "").split()]
    return [*(tag + name for name in names), *names, tag]
