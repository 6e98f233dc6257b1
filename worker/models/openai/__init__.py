"""The make `openai`: chat completions with tools, by whoever serves them."""
