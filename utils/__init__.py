"""Walks, search, evaluation, checkpoints and everything around the model."""
