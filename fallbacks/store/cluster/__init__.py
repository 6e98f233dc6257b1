"""One ledger over a Redis or Valkey Cluster: logical shards, each a ledger as on one server, behind the same port."""
