"""What operators and their machines ask: health, load, metrics."""
