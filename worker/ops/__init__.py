"""Is this deployment fit, and how much does it carry?"""
