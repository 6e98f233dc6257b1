"""Commands of people who drain the inbox."""
