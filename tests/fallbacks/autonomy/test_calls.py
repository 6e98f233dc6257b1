"""What people's judgements of a tool's calls add up to."""

import asyncio
from json import dumps

from fallbacks.autonomy.calls import CallJudge
from fallbacks.autonomy.standing import Key, Terms
from fallbacks.ledger.move import ByPerson, Move, make_move
from fallbacks.ledger.states import State
from tests.fallbacks.scene import Scene, scene


@scene
async def test_looks_at_the_same_time_count_a_judgement_once(s: Scene) -> None:
    await s.suggested("t1")
    call = {"tool": "refund", "process": "triage", "version": "v1", "agreed": True, "at": 1}
    await make_move(s.store, "t1", Move(State.DECIDED, (State.SUGGESTED,), ByPerson(), (), judged=dumps(call)))
    judge = CallJudge(s.store, "triage", Terms())
    for found in await asyncio.gather(*(judge.standings() for _ in range(4))):
        assert found[Key("refund", "triage", "v1")].n == 1
