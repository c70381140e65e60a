"""Conditions on films: ``year >= 1990 and genre in (Comedy, Drama)``, as text or as a tree in JSON."""
