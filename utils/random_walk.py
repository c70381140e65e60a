"""Importance neighbourhoods by random walks (paper, section 3.2): the door to ``data.walks``."""

from data.walks.sampler import RandomWalkSampler, stream_key

__all__ = ["RandomWalkSampler", "stream_key"]
