"""Relatedness: do items that belong together find each other? See ``questions`` and ``measure``."""
