"""A worker works with the version of the local model that is promoted, from the next ticket on, without a restart."""

import asyncio
import logging

from tasks.run.ports import Model
from worker.config.errors import LocalModelError
from worker.config.models import Make
from worker.wiring import Parts

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0


class Renewal:
    """Of one worker process. A version that cannot be used is logged once, and the one before goes on working."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._refused: str | None = None

    async def run_forever(self) -> None:
        """Until the process ends; at once where no tier is local."""
        while any(entry.make is Make.LOCAL for entry in self.parts.settings.entries):
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self.round()
            except Exception:
                log.exception("looking for another version of the local model failed")

    async def round(self) -> bool:
        """One look. Returns whether another version works from now on."""
        from worker.models.local.choice import versions_of  # numpy only where it is in use

        now = await asyncio.to_thread(versions_of(self.parts.settings).current)
        name, loaded = now.name if now else "", self._loaded()
        known = await asyncio.to_thread(versions_of(self.parts.settings).all)
        stands = loaded == name if now else loaded not in {version.name for version in known}
        if stands or name == self._refused:
            return False
        try:
            await asyncio.to_thread(self.parts.renew_local)
        except LocalModelError as error:
            self._refused = name
            log.error("the local model stays %s: %s", loaded, error)  # noqa: TRY400 - one line
            return False
        await self.parts.executor.ready()
        log.warning("the local model is %s from now on, and was %s", name or "the training data's", loaded)
        return True

    def _loaded(self) -> str:
        return next(tier.made_of for tier in self.parts.tiers if _is_local(tier.model))


def _is_local(model: Model) -> bool:
    return model.name == "local"
