"""The marks by which mail programs set apart the earlier mail and the signature in HTML: classes, ids and rules."""

import re
from typing import Any

_EARLIER_IDS = frozenset({"divRplyFwdMsg", "appendonsend", "OLK_SRC_BODY_SECTION", "reply-intro", "isForwardContent"})
_EARLIER_IDS |= {"mail-editor-reference-message-container", "ms-outlook-mobile-reference"}
_EARLIER_CLASSES = frozenset({"gmail_attr", "moz-cite-prefix", "moz-forward-container", "yahoo_quoted", "zmail_extra"})
_EARLIER_CLASSES |= {"protonmail_quote", "tutanota_quote", "OutlookMessageHeader", "yahoo_quoted_begin", "WordSection0"}
_SIGNATURES = frozenset({"gmail_signature", "moz-signature", "protonmail_signature_block", "composer_signature"})
_SIGNATURES |= {"ms-outlook-mobile-signature", "AppleMailSignature", "Signature"}
_QUOTES = frozenset({"gmail_quote", "yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra"})
_OUTLOOK_RULE = re.compile(r"border:none;border-top:solid ?#(?:e1e1e1|b5c4df) 1\.0pt")
_INDENTED = re.compile(r"(?:^|;)border(?:-left|-width)?:(?:none|0|medium none)")
_PREFIX = re.compile(r"^(?:x_)+|^ydp[0-9a-z]{1,16}?(?=yahoo_)")
"""What Outlook on the web and Yahoo put before the names that another program gave."""

MAX_NEAR = 50


def marks(attributes: dict[str, str | None]) -> frozenset[str]:
    """An element's classes and its id, as they were given first."""
    names = [*(attributes.get("class") or "").split(), attributes.get("id") or ""]
    return frozenset(re.sub(r"(yahoo_quoted)_\d+$", r"\1", _PREFIX.sub("", name)) for name in names if name)


def begins_earlier(tag: str, names: frozenset[str], style: str) -> bool:
    """Whether the earlier mail begins with such an element."""
    return bool(names & (_EARLIER_IDS | _EARLIER_CLASSES | _QUOTES)) or (
        tag == "div" and bool(_OUTLOOK_RULE.search(style))
    )


def is_quote(node: Any, tag: str, names: frozenset[str], style: str, *, quoted: bool) -> bool:
    """Whether what stands in it is quoted. A blockquote without a border only indents, as Gmail and Outlook write it; a
    mark around several quotes leaves what stands between them to the writer. quoted: whether it stands in a quote.
    """
    if tag == "blockquote":
        return (node.attributes.get("type") or "").lower() == "cite" or bool(names) or not _INDENTED.search(style)
    return tag == "div" and bool(names & _QUOTES) and (quoted or node.css_first("blockquote") is None)


def is_signature(node: Any, names: frozenset[str]) -> bool:
    """Whether it is marked as one, and nothing but the earlier mail stands behind it, among what is near."""
    if not names & _SIGNATURES:
        return False
    behind = node.next
    for _ in range(MAX_NEAR):
        if behind is None:
            return True
        attributes = {} if behind.is_text_node else behind.attributes
        if begins_earlier(behind.tag or "", marks(attributes), attributes.get("style") or ""):
            return True
        if (behind.text_content if behind.is_text_node else behind.text() or "").strip():
            return False
        behind = behind.next
    return False
