"""The make `vertex`: Claude models that Google hosts."""
