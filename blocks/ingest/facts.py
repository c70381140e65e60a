"""The stage ``facts``: what the source says about films beside the catalogue, in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from blocks.block_file import Array
from blocks.ingest.catalogue import read_movies
from blocks.ingest.graph import PARTS, read_graph, read_split
from blocks.plain_values import packed, unpacked
from blocks.work_dir import WorkDir
from data.content.facts import Content, ItemVectors
from data.dataset import Facts, Genome, Tags
from data.film_facts import select_tags, training_facts
from data.reading.columns import Columns, RowFinder
from data.reading.formats import format_of
from data.reading.movielens import add_facts, release_of
from data.splits import SplitName

FACTS = "facts"  # the stage


def facts_beside_catalogue(
    folder: Path, work_dir: WorkDir, block: int, ratings_name: str, split: SplitName, fingerprint: str
) -> Mapping[str, Array]:
    """Read tags, tag genome and content. As in memory, tags of held-out ratings are left out.

    Args:
        folder: of the source. It is no setting: data that were moved are still the same.
        work_dir: has films, users, the graph and the held-out ratings.
        block: 0.
        ratings_name: tells the form of the release.
        split: what is held out.
        fingerprint: of all files; it is only there to be part of the key.

    Returns:
        ``best_rating`` float64 ``[1]``; and packed, ``tags``, ``genome`` and ``content`` as far as the source
        has them.

    Raises:
        UserError: a file or a line cannot be read.
    """
    release = release_of(folder, format_of(ratings_name))
    movies = read_movies(work_dir)
    columns = Columns(
        {"movie_ids": movies.ids, "user_ids": work_dir.block("users")["user_ids"]},
        {"notes": [], "genres": ["|".join(genres) for genres in movies.genres]},
    )
    add_facts(release, RowFinder(movies.ids), columns)
    arrays, texts = columns.arrays, columns.texts
    found: dict[str, Any] = {}
    if "tags" in texts:
        tags = _of_users_with_ratings(
            work_dir, Tags(arrays["tag_users"], arrays["tag_movies"], texts["tags"])
        )
        facts = training_facts(Facts(movies, tags), read_split(work_dir, split))
        found["tags"] = vars(facts.tags)
    if "genome_tags" in texts:
        found["genome"] = vars(Genome(arrays["genome_movies"], arrays["relevance"], texts["genome_tags"]))
    if (content := release.content(columns)) is not None:
        found["content"] = vars(content) | {"vectors": [vars(vectors) for vectors in content.vectors]}
    return packed(found) | {"best_rating": np.array([release.best_rating], np.float64)}


def _of_users_with_ratings(work_dir: WorkDir, tags: Tags) -> Tags:
    """The tags of users who have a rating. In memory the others have no row; here they keep it."""
    has_rating = np.diff(read_graph(work_dir).user_ptr) > 0
    for part in PARTS:
        has_rating[work_dir.block("held_out")[f"{part}_users"]] = True
    return select_tags(tags, np.flatnonzero(has_rating[tags.users]))


def read_facts(work_dir: WorkDir) -> Facts:
    """All that training may know about films, from the stages ``catalogue`` and ``facts``."""
    found = unpacked(work_dir.block(FACTS))
    content = found.get("content")
    if content is not None:
        vectors = tuple(ItemVectors(**block) for block in content["vectors"])
        content = Content(**content | {"vectors": vectors, "text_columns": tuple(content["text_columns"])})
    return Facts(
        read_movies(work_dir),
        Tags(**found["tags"]) if "tags" in found else None,
        Genome(**found["genome"]) if "genome" in found else None,
        content,
    )


def read_best_rating(work_dir: WorkDir) -> float:
    """The best rating of the scale of the source."""
    return float(work_dir.block(FACTS)["best_rating"][0])
