"""Nearest-neighbour search by inner product; use it through ``utils.nearest_neighbors``.

``base`` is the interface and everything the indexes share; ``exact``, ``lsh`` and ``weak_and`` are
the three siblings; the other modules hold one idea each: signatures, Hamming scan, hash tables,
partitions, token weights, posting lists, Weak AND twice (readable and compiled), files, tuning.
"""
