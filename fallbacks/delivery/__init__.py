"""What leaves: outcomes through the outbox, and alerts."""
