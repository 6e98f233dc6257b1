"""What the ledger keeps of what the agent is given: the text of every prompt that ever worked here, and the canary."""

import json
import re
from dataclasses import dataclass

from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.run.prompt import Prompt
from tasks.safety.canary import new_canary

VERSION_LIKE = re.compile(r"[0-9a-f]{4,12}")


@dataclass(frozen=True, slots=True)
class KeptPrompt:
    """A prompt, and when a worker first had it. first_ms: store time."""

    prompt: Prompt
    first_ms: int


async def keep_prompt(store: Store, prompt: Prompt) -> None:
    """Keep the text under its version; what is kept already stays."""
    await _kept(store, keys.PROMPTS, prompt.version, {"rules": prompt.rules})


async def kept_prompts(store: Store) -> list[KeptPrompt]:
    """Every prompt that worked here, oldest first."""
    stored = [json.loads(value) for value in (await store.fields(keys.PROMPTS)).values()]
    return sorted((KeptPrompt(Prompt(each["rules"]), int(each["at"])) for each in stored), key=lambda k: k.first_ms)


async def find_prompt(store: Store, version: str) -> KeptPrompt:
    """The one whose version begins so. Raises `ValueError` where none or several do."""
    kept = await kept_prompts(store)
    found = [each for each in kept if each.prompt.version.startswith(version)]
    if len(found) == 1:
        return found[0]
    among = ", ".join(each.prompt.version for each in found or kept) or "none"
    wrong = "several versions begin" if found else "no prompt kept here has a version that begins"
    raise ValueError(f"{wrong} with {version!r}: {among}")


async def canary_of(store: Store) -> str:
    """The ledger's canary, made by whoever asks first."""
    return str((await _kept(store, keys.CANARY, "token", {"token": new_canary()}))["token"])


async def known_canary(store: Store) -> str:
    """The ledger's canary, "" where no worker has made one yet."""
    return str(json.loads((await store.fields(keys.CANARY)).get("token", "{}")).get("token", ""))


async def _kept(store: Store, name: str, field: str, value: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = json.loads(await store.run("keep", "", name, field, json.dumps(value, ensure_ascii=False)))
    return kept
