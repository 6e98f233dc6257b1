"""A mailbox over IMAP."""
