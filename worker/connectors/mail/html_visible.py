"""HTML of a mail as its reader sees it: hidden text out, cells apart, targets of links kept, quotes marked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

MAX_HTML_CHARS = 400_000
MAX_DEPTH = 400
"""Browsers stop at 512; parsing takes quadratic time in depth."""

MAX_TAGS = 40_000
"""Parsing takes quadratic time in unclosed siblings, too."""

MAX_LINK_CHARS = 300
MAX_RULES = 200

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
_EARLIER_IDS = frozenset({"divRplyFwdMsg", "appendonsend", "OLK_SRC_BODY_SECTION", "reply-intro", "isForwardContent"})
_EARLIER_IDS |= {"mail-editor-reference-message-container", "ms-outlook-mobile-reference", "x_divRplyFwdMsg"}
_EARLIER_CLASSES = frozenset({"gmail_attr", "moz-cite-prefix", "moz-forward-container", "yahoo_quoted", "zmail_extra"})
_EARLIER_CLASSES |= {"protonmail_quote", "tutanota_quote", "OutlookMessageHeader", "yahoo_quoted_begin", "WordSection0"}
_SIGNATURE_CLASSES = frozenset({"gmail_signature", "moz-signature", "protonmail_signature_block"})
_QUOTE_CLASSES = frozenset({"gmail_quote", "yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra"})
_OUTLOOK_RULE = re.compile(r"border:none;border-top:solid#(?:e1e1e1|b5c4df)1\.0pt", re.IGNORECASE)
_DARK = re.compile(
    r"(?:^|[{};>,\s])(?:body|html|\*)\s{0,9}\{[^{}]{0,500}background(?:-color)?\s{0,9}:\s{0,9}(?!#fff(?:fff)?\b|white|none|transparent)",
    re.IGNORECASE,
)
"""A style sheet that colours the page: white letters are seen on it."""

_FORWARDED = re.compile(r"-{3,}[^\n]{0,80}-{3,}")

_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|opacity:0(?:\.0+)?(?![.\d])"
    r"|font-size:(?:0(?:\.\d+)?|1|1\.0)(?:px|pt|em|rem|%)?(?![.\d])|max-height:0(?:px)?(?![.\d])"
    r"|(?:^|;)(?:height|width):0(?:px)?(?![.\d])|text-indent:-\d{3,}|(?:left|top):-\d{3,}|clip:rect\(0"
)
_WHITE = re.compile(r"(?:^|;)color:(?:#fff(?:fff)?|white|rgba?\(255,255,255|transparent|rgba\(\d+,\d+,\d+,0\))")
_COLOURED = re.compile(r"background(?:-color|-image)?:(?!#fff(?:fff)?(?:;|$|!)|white|none|transparent|initial|inherit)")
_WHITES = frozenset({"white", "#fff", "#ffffff", "fff", "ffffff"})
_RULE = re.compile(r"([^{}@]{1,300})\{([^{}]{0,2000})\}")
_MEDIA = re.compile(r"@media[^{]{0,300}\{(?:[^{}]*\{[^{}]*\}){0,500}")
_SIMPLE = re.compile(r"[a-zA-Z0-9]*(?:[.#][\w-]+)+")
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
    html = _DATA_URI.sub("", html)[:MAX_HTML_CHARS]
    if html.count("<") > MAX_TAGS or _depth(html) > MAX_DEPTH:
        return _tagless(html)
    root = LexborHTMLParser(html).root
    page = _Page(coloured=bool(_DARK.search(html)))
    return page.read(root, _hidden_selectors(html)) if root is not None else ""


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


def _hidden_selectors(html: str) -> frozenset[str]:
    """`.class`, `#id` and `tag.class` that the mail's own style sheet hides."""
    if "<style" not in html.lower():
        return frozenset()
    found: set[str] = set()
    for sheet in re.findall(r"<style\b[^>]{0,500}>(.{0,60000}?)</style", html, re.DOTALL | re.IGNORECASE)[:10]:
        for names, said in _RULE.findall(re.sub(r"@media[^{]{0,300}\{(?:[^{}]*\{[^{}]*\}){0,500}", "", sheet))[
            :MAX_RULES
        ]:
            if _HIDING.search(_squeezed(said)):
                found |= {name.strip() for name in names.split(",") if _SIMPLE.fullmatch(name.strip())}
    return frozenset(found)


def _squeezed(style: str) -> str:
    return re.sub(r"\s+", "", style).lower()


@dataclass(slots=True)
class _Page:
    """Collects lines. quotes: how many quotes are open. coloured: how many elements with a background are."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    quotes: int = 0
    coloured: int = 0
    preformatted: int = 0
    hidden: frozenset[str] = frozenset()

    def read(self, root: Any, hidden: frozenset[str]) -> str:
        """Walk without recursing: a mail may be nested deeply."""
        self.hidden = hidden
        stack: list[tuple[Any, Iterator[Any] | None, tuple[int, int, int]]] = [(root, None, (0, 0, 0))]
        while stack:
            node, children, before = stack[-1]
            if children is None:
                before = (self.quotes, self.coloured, self.preformatted)
                inner = self._enter(node)
                if inner is None:
                    stack.pop()
                    continue
                children = inner
                stack[-1] = (node, children, before)
            child = next(children, None)
            if child is not None:
                stack.append((child, None, before))
                continue
            self._leave(node)
            self.quotes, self.coloured, self.preformatted = before
            stack.pop()
        self._end_line()
        return "\n".join(f"{'> ' if quoted and line != CUT_HERE else ''}{line}" for quoted, line in self.lines).strip()

    def _enter(self, node: Any) -> Iterator[Any] | None:
        """The children to read, or None where nothing of the node is seen."""
        if node.is_text_node:
            self._text(node.text_content or "")
            return None
        tag, attributes = node.tag or "", node.attributes
        if node.is_comment_node or tag in _SILENT or self._is_hidden(tag, attributes):
            return None
        if tag == "br":
            self._end_line(forced=True)
            return None
        if tag in _BLOCKS:
            self._end_line()
        classes = set((attributes.get("class") or "").split())
        if _begins_earlier(node, attributes, classes) and not _FORWARDED.search((node.text() or "")[:200]):
            self._end_line()
            self.lines.append((self.quotes, CUT_HERE))
        if classes & _SIGNATURE_CLASSES and _ends_words(node):
            self.lines.append((self.quotes, "-- "))
        if tag == "blockquote" or (tag == "div" and classes & _QUOTE_CLASSES):
            self.quotes += 1
        self.preformatted += tag == "pre"
        children: Iterator[Any] = node.iter(include_text=True)
        return children

    def _leave(self, node: Any) -> None:
        tag = node.tag or ""
        if tag == "a":
            self._target(node)
        if tag in _CELLS:
            self.words.append(" ")
        if tag in _BLOCKS:
            self._end_line()

    def _text(self, text: str) -> None:
        if not self.preformatted:
            self.words.append(text)
            return
        first, *rest = text.split("\n")
        self.words.append(first)
        for line in rest:
            self._end_line(forced=True)
            self.words.append(line)

    def _target(self, node: Any) -> None:
        target = (node.attributes.get("href") or "").strip()[:MAX_LINK_CHARS]
        shown = " ".join((node.text() or "").split())
        address = target.partition(":")[2] if target.startswith("mailto:") else target
        bare = address.removeprefix("https://").removeprefix("http://").rstrip("/")
        if target.startswith(("http://", "https://", "mailto:")) and shown and bare.lower() not in shown.lower():
            self.words.append(f" <{address}>")

    def _is_hidden(self, tag: str, attributes: dict[str, str | None]) -> bool:
        style = _squeezed(attributes.get("style") or "")
        if "hidden" in attributes or (style and _HIDING.search(style)):
            return True
        if self.hidden and self._by_sheet(tag, attributes):
            return True
        colour = (attributes.get("color") or "").strip().lower()
        if not self.coloured and (
            colour in _WHITES or (style and _WHITE.search(style) and not _COLOURED.search(style))
        ):
            return True
        background = (attributes.get("bgcolor") or "").strip().lower()
        if (background and background not in _WHITES) or "background" in attributes or _COLOURED.search(style):
            self.coloured += 1
        return False

    def _by_sheet(self, tag: str, attributes: dict[str, str | None]) -> bool:
        names = {f".{name}" for name in (attributes.get("class") or "").split()}
        names |= {f"#{attributes['id']}"} if attributes.get("id") else set()
        return bool((names | {tag + name for name in names}) & self.hidden)

    def _end_line(self, *, forced: bool = False) -> None:
        """forced: an empty line is one that the writer made."""
        said = "".join(self.words)
        line = said.rstrip() if self.preformatted else " ".join(said.split())
        self.words.clear()
        if line or (forced and self.lines and self.lines[-1][1] and self.lines[-1][1] != CUT_HERE):
            self.lines.append((self.quotes, line))


def _ends_words(node: Any) -> bool:
    """Whether nothing but the earlier mail stands behind an element, among what is near."""
    behind = node.next
    for _ in range(50):
        if behind is None:
            return True
        if not behind.is_text_node and set((behind.attributes.get("class") or "").split()) & _QUOTE_CLASSES:
            return True
        if (behind.text_content if behind.is_text_node else behind.text() or "").strip():
            return False
        behind = behind.next
    return False


def _begins_earlier(node: Any, attributes: dict[str, str | None], classes: set[str]) -> bool:
    if attributes.get("id") in _EARLIER_IDS or classes & (_EARLIER_CLASSES | _QUOTE_CLASSES):
        return True
    return node.tag == "div" and bool(_OUTLOOK_RULE.search(_squeezed(attributes.get("style") or "")))
