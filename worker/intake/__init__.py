"""Every door's way into the ledger."""
