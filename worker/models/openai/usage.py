"""What a chat completion says it used."""

from collections.abc import Mapping
from typing import Any

from tasks.run.messages import TokenUsage
from worker.models.json_reading import count


def read_usage(usage: Mapping[str, Any]) -> TokenUsage:
    """Cached input is a part of the prompt's tokens here. Raises `ValueError` for what is no usage.

    Some count thinking only in the total, not among the completion's tokens; it is billed as output all the same.
    """
    prompt, completion = count(usage["prompt_tokens"]), count(usage["completion_tokens"])
    details = usage.get("prompt_tokens_details") or {}
    hit = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
    read = min(count(hit), prompt)
    written = min(count(details.get("cache_write_tokens") or 0), prompt - read)
    total = count(usage.get("total_tokens") or 0)
    return TokenUsage(
        input_tokens=prompt - read - written,
        output_tokens=max(completion, total - prompt),
        cache_write_tokens=written,
        cache_read_tokens=read,
    )
