"""Budgets of sources as documents, for `status` and `budget`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fallbacks.ledger.views import Stats
    from worker.wiring import Parts


async def budgets_of(parts: "Parts", stats: "Stats") -> list[dict[str, Any]]:
    """Of every source that has one; those of the settings as the workers have them."""
    from fallbacks.operations.source_budgets import source_budgets
    from tasks.money import to_usd

    terms = stats.source_terms(parts.settings.source_terms)
    found = await source_budgets(parts.store, terms, stats.control)
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


def rates_of(parts: "Parts", stats: "Stats") -> dict[str, int]:
    """Tickets a minute of every source that has a rate, likewise."""
    from fallbacks.operations.source_budgets import source_rates

    return source_rates(stats.source_terms(parts.settings.source_terms).rates, stats.control)
