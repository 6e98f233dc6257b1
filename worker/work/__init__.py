"""Working tickets: the executor, and what every worker does beside it."""
