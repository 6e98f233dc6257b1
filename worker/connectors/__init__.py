"""Connectors: other systems' messages as tickets, and outcomes back to them. Mail and helpdesk webhooks."""
