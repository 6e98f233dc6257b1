"""Rows and journals of tickets, the fenced scripts that write them, and what reads them."""
