"""The upstream door: `/v1` over HTTP, health and metrics, exactly as the contract says."""
