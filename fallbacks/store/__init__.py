"""The store under the ledger: its port, Redis or Valkey behind it, and the scripts."""
