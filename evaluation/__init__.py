"""Ranks and metrics, baselines, and the comparisons, ablations and cold-start figures made of them."""
