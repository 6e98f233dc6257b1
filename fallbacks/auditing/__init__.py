"""The journal for auditors: everything that happened, in one file, chained by hash and signed."""
