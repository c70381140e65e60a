"""Why one film goes with another, in a few words: random walks between them, else genres."""

from data.dataset import Movies
from recommend.explanation import NeighborTable


def reasons_for(movies: Movies, table: NeighborTable, row: int, found: list[int]) -> list[str]:
    """A reason for each of ``found`` as an answer to film ``row``.

    A film's importance neighbours are what its random walks visit most; two films whose embeddings
    are close share many of them, or are each other's.

    Args:
        movies: the catalogue.
        table: its importance neighbours.
        row: the film that asks.
        found: rows of the films that answer.
    """
    place = {film: place for place, (film, _) in enumerate(table.of(row), start=1)}
    genres = set(movies.genres[row])
    reasons = []
    for film in found:
        shared = sum(neighbor.row in place for neighbor in table.of(film))
        both = [genre for genre in movies.genres[film] if genre in genres]
        if film in place:
            reasons.append(f"walk neighbour no. {place[film]}")
        elif shared:
            reasons.append(f"{shared} of {len(place)} walk neighbours in common")
        else:
            reasons.append(f"both {', '.join(both)}" if both else "near it by its features alone")
    return reasons
