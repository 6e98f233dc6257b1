"""Commands that measure, train and compare."""
