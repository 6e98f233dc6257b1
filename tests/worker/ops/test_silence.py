"""Work that is watched for a silent store ends as unwatched work does."""

import asyncio

import pytest

from worker.ops.silence import while_it_answers


@pytest.mark.parametrize("turns", range(8))
def test_a_ctrl_c_as_the_work_ends_is_not_lost(valkey_url: str, turns: int) -> None:
    taken: list[bool] = []

    async def watched() -> asyncio.Task[str]:
        def cancel_in(turns: int) -> None:
            if turns:
                asyncio.get_running_loop().call_soon(cancel_in, turns - 1)
            else:
                taken.append(outer.cancel())

        async def work() -> str:
            cancel_in(turns)
            return "done"

        outer = asyncio.create_task(while_it_answers(valkey_url, work()))
        await asyncio.wait((outer,))
        await asyncio.sleep(0)
        return outer

    outer = asyncio.run(watched())
    assert outer.cancelled() == any(taken)
