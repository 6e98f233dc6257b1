"""Real classes on the product's own ports, for tests that want no server."""
