"""What a release says of its films beside genres: tags that users gave, and the tag genome."""

from pathlib import Path

import numpy as np

from data.reading.columns import Columns, RowFinder, first_of_pair, joined
from data.reading.formats import GENOME_FILES, TextFile
from data.reading.number_columns import NumberColumn, read_number_columns
from data.reading.number_kinds import AMOUNT, ID, parse_id
from data.reading.source_files import bad_line, empty
from data.reading.text_tables import csv_rows, text_rows

GENOME_COLUMNS = (NumberColumn("movieId", ID), NumberColumn("tagId", ID), NumberColumn("relevance", AMOUNT))


def add_tags(path: Path, file: TextFile, find_movie: RowFinder, columns: Columns) -> None:
    """Add the tags of known users and films, in lower case, without outer spaces.

    Args:
        path: the file of tags.
        file: how it is written.
        find_movie: from film ids to rows.
        columns: what to add to; it has the users already.

    Raises:
        UserError: the file cannot be read, or an id is not a number.
    """
    users, movies, texts = [], [], []
    for line, (user, movie, text) in text_rows(path, file, ("userId", "movieId", "tag")):
        users.append(parse_id(path, line, "userId", user))
        movies.append(parse_id(path, line, "movieId", movie))
        texts.append(text.strip().lower())
    user_rows = RowFinder(columns.arrays["user_ids"])(np.array(users, dtype=np.int64))
    movie_rows = find_movie(np.array(movies, dtype=np.int64))
    known = (user_rows >= 0) & (movie_rows >= 0)
    kept = known & np.array([bool(text) for text in texts], dtype=bool)
    columns.note(int((~known).sum()), "tag", "of unknown users or films dropped")
    columns.note(int((known & ~kept).sum()), "empty tag", "dropped")
    columns.arrays["tag_users"] = user_rows[kept]
    columns.arrays["tag_movies"] = movie_rows[kept]
    columns.texts["tags"] = [text for text, keep in zip(texts, kept, strict=True) if keep]


def add_genome(folder: Path, find_movie: RowFinder, columns: Columns) -> None:
    """Add the relevance of known tags to known films; of a score given twice the first one counts.

    Args:
        folder: where the genome's two files lie.
        find_movie: from film ids to rows.
        columns: what to add to.

    Raises:
        UserError: a file or a line of it cannot be read, or a file has no row.
    """
    scores_path, tags_path = (folder / name for name in GENOME_FILES)
    tag_ids, names = _genome_tags(tags_path)
    find_tag = RowFinder(tag_ids)
    blocks: list[list[np.ndarray]] = [[], [], []]
    unknown = 0
    for movie_ids, score_tag_ids, relevance in read_number_columns(scores_path, GENOME_COLUMNS):
        movies, tags = find_movie(movie_ids), find_tag(score_tag_ids)
        known = (movies >= 0) & (tags >= 0)
        unknown += int((~known).sum())
        for kept, column in zip(blocks, (movies, tags, relevance), strict=True):
            kept.append(column[known])
    if not blocks[0]:
        raise empty(scores_path)
    movies, tags, relevance = (joined(column) for column in blocks)
    columns.note(unknown, "genome score", "of unknown films or tags dropped")
    rows, row_of = np.unique(movies, return_inverse=True)
    first = first_of_pair(row_of, tags)
    if first is not None:
        repeated = len(tags) - len(first)
        columns.note(repeated, "duplicate genome score", "dropped, the first of film and tag kept")
        row_of, tags, relevance = row_of[first], tags[first], relevance[first]
    table = np.zeros((len(rows), len(names)), dtype=np.float32)
    table[row_of, tags] = relevance
    columns.arrays["genome_movies"] = rows.astype(np.int32)
    columns.arrays["relevance"] = table
    columns.texts["genome_tags"] = names


def _genome_tags(path: Path) -> tuple[np.ndarray, list[str]]:
    """Ids and names of the genome's tags, in the order of the file."""
    names: dict[int, str] = {}
    for line, (id_text, name) in csv_rows(path, ("tagId", "tag")):
        tag = parse_id(path, line, "tagId", id_text)
        if tag in names:
            raise bad_line(path, line, f"tagId {tag} occurs twice", "give each tag one line")
        names[tag] = name
    if not names:
        raise empty(path)
    return np.array(list(names), dtype=np.int64), list(names.values())
