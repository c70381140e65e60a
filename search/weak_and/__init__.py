"""Inverted file with Weak AND: partitions, tokens, posting lists, the search readable and compiled."""
