"""What keeps a ticket safe: ledger, budgets, recovery, plan, hand-off, inbox, alerts, autonomy, console."""
