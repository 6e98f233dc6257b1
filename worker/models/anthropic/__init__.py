"""A tier behind Anthropic's Messages API."""
