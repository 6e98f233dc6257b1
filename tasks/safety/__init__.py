"""What a ticket's text may try, and what must not leave: screen, canary, redaction. Pure."""
