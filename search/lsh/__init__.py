"""Locality-sensitive hashing: signatures, the Hamming scan and the hash tables."""
