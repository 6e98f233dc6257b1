"""A quote of an erased text in somebody else's ticket is found whatever the text is written in."""

import json

import pytest

from fallbacks.erasure.erasure import Erasure
from fallbacks.erasure.texts import core_of
from fallbacks.erasure.whom import Whom
from fallbacks.history.ed25519_seals import Ed25519Sealer
from fallbacks.ledger.ledger import Conclusion
from tasks.run import events as ev
from tasks.ticket import Priority
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import DECISION, MODEL, TRIAGE, Scene, ticket

TEXTS = {
    "german": "Größere Gebühr für Händler geprüft\n„Grüße“ & Söhne",
    "japanese": "カードを紛失しました。\n「至急」停止してください。",
    "arabic": "لقد فقدتُ بطاقتي المصرفية أمس في السوق",
    "short japanese": "銀行印を紛失",
}


@pytest.mark.parametrize("body", TEXTS.values(), ids=TEXTS.keys())
def test_a_quote_is_erased_in_any_alphabet(play_for_real: Play, body: str) -> None:
    async def story(scene: Scene) -> None:
        text = ticket("erased", body, subject="").text
        excerpt = " ".join(text.split())
        await scene.running("erased", body=body, subject="")
        lease = await scene.running("other")
        shown = ev.ContextFetched(json.dumps({"similar_tickets": [{"text": excerpt}]}, ensure_ascii=False))
        started = ev.StepStarted(1, "c1", MODEL, 100)
        await scene.ledger.begin_step(lease, started, (shown,), run_cap=None, day_cap=None)
        await scene.end(lease, 60)
        await scene.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL))
        assert core_of(text) in "".join(await scene.store.journal("other"))

        erasure = Erasure(scene.store, None, TRIAGE, Ed25519Sealer(bytes(32)), scene.inbox.cancel)
        receipt = await erasure.erase(Whom(ticket="erased"), "ann")

        assert receipt.places["quotes"] == {"found": 1, "erased": 1}
        assert core_of(text) not in "".join(await scene.store.journal("other"))

    play_for_real(story)
