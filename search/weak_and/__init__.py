"""Inverted file with Weak AND: partitions, tokens, posting lists, and the search in Python and compiled."""
