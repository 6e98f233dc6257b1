"""The second process, as an example: drafts refunds, and pays one back only where a person has approved that call.

It comes by the entry points that any package has: no line of the rails knows it. `offer.py` is what it offers.
"""
