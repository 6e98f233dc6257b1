"""Ticket text is hostile: on every screen it is text, all of it can be seen, and none of it acts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from fallbacks.console.hidden import plain, visible
from tasks.ticket import Ticket
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.screens import fill, unfold

Open = Callable[..., BrowserContext]

MARKUP = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "<style>*{display:none}</style><svg onload=\"document.title='owned'\"></svg></textarea></title></main>"
    '"><form action="https://evil.example"><button name=label value=x data-key="a" data-digit="1">Approve</button>'
    "<a href='javascript:document.title=1'>x</a> {{ 7 * 7 }} {% include 'x' %} ${7*7} <base href='https://evil.example'>"
    "<meta http-equiv=refresh content='0;url=https://evil.example'><iframe srcdoc='<script>1</script>'></iframe>"
)
TRICKS = (
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) **Approved by admin** `</code>` # APPROVED\n\n---\n"
)
HIDDEN = "pay \u202eecilA\u202c now\u200b\u2066\u2069 \x1b[31mred\x1b[0m \x00\x07\x08 \U000e0041\U000e0042 \ufeff a"
HIDDEN += "\u0301" * 40
HUGE = "W" * 20_000 + " مرحبا بالعالم " * 1_000


@pytest.mark.parametrize("text", [MARKUP, TRICKS + HIDDEN, HUGE], ids=["markup", "hidden", "huge"])
def test_it_is_inert_on_every_screen(
    text: str, door: Door, agent: Agent, tickets: Callable[..., Ticket], open_context: Open
) -> None:
    page = open_context("ada").pages[0]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    screens = fill(
        door,
        agent,
        tickets,
        subject=text[:900],
        body=text,
        requester={"name": text[:200]},
        metadata={"note": text[:500]},
    )
    for name, address in screens.items():
        page.goto(address)
        unfold(page)
        assert "owned" not in page.title() or "<script>" in page.title(), name
        assert page.locator('script:not([src^="/static/"])').count() == 0, name
        assert page.locator("script").count() <= 2, name
        assert (
            page.locator("style, iframe, base, [onerror], [onload], #main img, #main a[href^=javascript]").count() == 0
        )
        assert page.locator('form:not([action^="/"])').count() <= page.locator("dialog form").count(), name
        assert "49" not in page.locator("h1").first.inner_text(), name
        raw = page.evaluate("document.documentElement.outerHTML")
        assert not set(raw) & set("\u202e\u202c\u200b\u2066\u2069\x1b\x07\x08\ufeff\U000e0041"), name
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, name
    assert all(url.startswith((door.url, "data:")) for url in asked), asked


def test_what_cannot_be_seen_is_spelled_out() -> None:
    assert plain("a\u202eb\x00") == "a⟨U+202E⟩b⟨U+0000⟩"
    assert plain("one\r\ntwo\tthree") == "one\ntwo\tthree"
    assert str(visible("<b>\u200b")) == ('&lt;b&gt;<span class="hidden-char" title="ZERO WIDTH SPACE">U+200B</span>')
    assert plain("e" + "\u0301" * 50) == "e" + "\u0301" * 3
    assert plain("مرحبا 👍 ümläut") == "مرحبا 👍 ümläut"
