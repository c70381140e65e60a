"""Why one film goes with another, in a few words: random walks between them, else genres."""

from utils.checkpoint import Checkpoint


def reasons_for(checkpoint: Checkpoint, row: int, found: list[int]) -> list[str]:
    """A reason for each of ``found`` as an answer to film ``row``.

    A film's importance neighbours are what its random walks visit most; two films whose embeddings
    are close share many of them, or are each other's.

    Args:
        checkpoint: the trained model, with its neighbour table.
        row: the film that asks.
        found: rows of the films that answer.
    """
    place = {film: place for place, film in enumerate(_neighbors(checkpoint, row), start=1)}
    genres = set(checkpoint.movies.genres[row])
    reasons = []
    for film in found:
        shared = len(place.keys() & _neighbors(checkpoint, film))
        both = [genre for genre in checkpoint.movies.genres[film] if genre in genres]
        if film in place:
            reasons.append(f"walk neighbour no. {place[film]}")
        elif shared:
            reasons.append(f"{shared} of {len(place)} walk neighbours in common")
        else:
            reasons.append(f"both {', '.join(both)}" if both else "near it by its features alone")
    return reasons


def _neighbors(checkpoint: Checkpoint, row: int) -> list[int]:
    """Rows of a film's importance neighbours, the most visited first, padding left out."""
    return checkpoint.neighbors[row][checkpoint.weights[row] > 0].tolist()
