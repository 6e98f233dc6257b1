"""The failure plan as the README shows it. `python -m tests.plan_table` prints it."""

from fallbacks.plan import PLAN


def plan_table() -> str:
    """A Markdown table, one row a reason."""
    lines = [
        "| reason | it means | retry now | wait | next model | then people: queue | alert | breaker |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for reason, row in PLAN.items():
        cells = (
            f"`{reason.value}`",
            row.means,
            str(row.retries or ""),
            "as long as it may" if row.parks is None else f"{row.parks} times" if row.parks else "",
            "first" if row.tier_first else "yes" if row.next_tier else "",
            row.queue.value,
            row.severity.value,
            "opens" if row.opens else "counts" if row.breaker else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(plan_table(), end="")
