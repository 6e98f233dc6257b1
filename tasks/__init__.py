"""What to do with a ticket: contract, triage, tools, limits, the bounded loop. Pure: ports in, values out."""
