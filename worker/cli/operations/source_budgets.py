"""Budgets of sources as documents, for `status` and `budget`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.wiring import Parts


async def budgets_of(parts: "Parts", control: Mapping[str, str]) -> list[dict[str, Any]]:
    """Of every source that has one; those of the settings as this process has them."""
    from fallbacks.operations.source_budgets import source_budgets
    from tasks.money import to_usd

    settings = parts.settings
    found = await source_budgets(parts.store, settings.source_caps, control, settings.budget_warn_at)
    return [
        {
            "source": each.source,
            "period": each.period,
            "budget_usd": to_usd(each.cap),
            "spent_usd": to_usd(each.spent),
            "reserved_usd": to_usd(each.reserved),
            "near": each.near,
            "at_run_time": each.at_run_time,
        }
        for each in found
    ]
