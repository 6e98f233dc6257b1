"""Accounts: signing in, by password or at an identity provider; what each person and what an admin changes."""
