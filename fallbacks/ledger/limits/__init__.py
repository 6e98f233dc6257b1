"""What bounds the fleet: switches, the circuit breaker, the caps of sources, and which server serves."""
