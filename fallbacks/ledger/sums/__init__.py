"""What adds up: the audit, the figures of each day, counters for metrics, and what is usual."""
