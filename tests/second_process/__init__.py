"""A second, tiny process, which keeps the seam honest: which of these forms is this, and what is its number?"""
