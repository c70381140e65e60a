"""The facts about films that training may see, and those about some films alone."""

from dataclasses import replace

import numpy as np

from base.arrays import IntArray
from data.dataset import Facts, Genome, Interactions, Tags
from data.splits import Split


def training_facts(facts: Facts, split: Split) -> Facts:
    """The facts about all films, without tags that a user gave to a film held out from the same user.

    Args:
        facts: all of them.
        split: of the same films and users.
    """
    tags = facts.tags
    if tags is None:
        return facts

    def keys(rows: Interactions | Tags) -> np.ndarray:
        return rows.users.astype(np.int64) * split.num_movies + rows.movies

    held_out = np.concatenate([keys(split.validation), keys(split.test)])
    return replace(facts, tags=select_tags(tags, np.flatnonzero(~np.isin(keys(tags), held_out))))


def select_facts(facts: Facts, rows: IntArray) -> Facts:
    """The facts about the films at ``rows``, in that order.

    Args:
        facts: about all films.
        rows: int ``[n]``, distinct.
    """
    num_movies = len(facts.movies)
    row_of = np.full(num_movies, -1, dtype=np.int32)
    row_of[rows] = np.arange(len(rows))
    tags, genome = facts.tags, facts.genome
    if tags is not None:
        tags = select_tags(tags, np.flatnonzero(row_of[tags.movies] >= 0))
        tags = replace(tags, movies=row_of[tags.movies])
    if genome is not None:
        kept = row_of[genome.movies] >= 0
        genome = Genome(row_of[genome.movies[kept]], genome.relevance[kept], genome.tag_names)
    content = None if facts.content is None else facts.content.select(rows, num_movies)
    return Facts(facts.movies.select(rows), tags, genome, content)


def select_tags(tags: Tags, kept: IntArray) -> Tags:
    """The tags at the places ``kept``, int ``[n]``."""
    return Tags(tags.users[kept], tags.movies[kept], [tags.texts[row] for row in kept])
