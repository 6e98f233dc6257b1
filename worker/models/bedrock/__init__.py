"""The make `bedrock`: Claude models that Amazon hosts."""
