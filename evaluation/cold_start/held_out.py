"""Films that training never sees, and a few of their ratings, added afterwards.

A held-out film is removed from the catalogue before graph, features and pairs are made, so the model learns
nothing about it. Afterwards it is appended to the known films, as any new film would be.
"""

from dataclasses import dataclass, replace

import numpy as np

from base.arrays import IntArray
from base.errors import UserError
from data.dataset import Genome, Interactions, MovieLens, Tags
from data.splits import Split

MIN_RATINGS = 20  # in all the data; with fewer, a film would have no test questions
SHARE = 0.1  # share of the films with that many ratings that are held out


@dataclass(frozen=True)
class HeldOutFilms:
    """One dataset twice: without some films, and with them as its last rows.

    Attributes:
        known: the data without the held-out films; its rows are the first rows of ``whole``.
        known_split: its split, with the ratings of held-out films removed from each part.
        whole: all films, the held-out ones last, in their old order and without tags (nobody has tagged a
            film that nobody has seen).
        whole_split: the same split with all films.
    """

    known: MovieLens
    known_split: Split
    whole: MovieLens
    whole_split: Split

    def is_new(self, films: IntArray) -> np.ndarray:
        """Which of these rows of ``whole`` are held-out films, bool of the same shape."""
        return films >= self.known.num_movies

    @property
    def new_films(self) -> IntArray:
        """Rows of the held-out films in ``whole``, ascending."""
        return np.arange(self.known.num_movies, self.whole.num_movies)

    @property
    def withheld(self) -> Interactions:
        """The held-out films' ratings in the training part, by users who have other training ratings."""
        train = self.whole_split.train
        known_user = np.bincount(self.known_split.train.users, minlength=self.whole_split.num_users) > 0
        return train.select(self.is_new(train.movies) & known_user[train.users])


def choose_films(interactions: Interactions, num_movies: int, seed: int) -> IntArray:
    """Draw ``SHARE`` of the films that have at least ``MIN_RATINGS`` ratings; at least one film.

    Args:
        interactions: all ratings, of every part of the split.
        num_movies: film rows in the catalogue.
        seed: decides the draw.

    Returns:
        Film rows, ascending.

    Raises:
        UserError: no film has that many ratings.
    """
    counts = np.bincount(interactions.movies, minlength=num_movies)
    eligible = np.flatnonzero(counts >= MIN_RATINGS)
    if len(eligible) == 0:
        raise UserError(
            f"no film has {MIN_RATINGS} ratings, which a held-out film must have; the most rated one has "
            f"{counts.max()}; use a larger dataset"
        )
    number = max(1, round(SHARE * len(eligible)))
    return np.sort(np.random.default_rng(seed).choice(eligible, number, replace=False))


def hold_out_films(movielens: MovieLens, split: Split, films: IntArray) -> HeldOutFilms:
    """Remove ``films`` from the catalogue and from every part of its split.

    Args:
        movielens: the data.
        split: its split; each user's parts are those of the whole history.
        films: distinct film rows to hold out.
    """
    stays = np.ones(movielens.num_movies, dtype=bool)
    stays[films] = False
    known_films = np.flatnonzero(stays)
    order = np.concatenate([known_films, np.flatnonzero(~stays)])
    known = select_films(movielens, known_films)
    return HeldOutFilms(
        known=known,
        known_split=_select_split(split, known_films),
        whole=replace(select_films(movielens, order), tags=known.tags),
        whole_split=_select_split(split, order),
    )


def select_films(movielens: MovieLens, films: IntArray) -> MovieLens:
    """The data with only the film rows ``films``, in that order; user rows stay as they are.

    The events behind the interactions are left out: the weights of a split are made from the whole data.
    """
    row_of = _rows(films, movielens.num_movies)
    return replace(
        movielens,
        movies=movielens.movies.select(films),
        interactions=_select_interactions(movielens.interactions, row_of),
        events=None,
        tags=None if movielens.tags is None else _select_tags(movielens.tags, row_of),
        genome=None if movielens.genome is None else _select_genome(movielens.genome, row_of),
        content=None if movielens.content is None else movielens.content.select(films, movielens.num_movies),
    )


def first_ratings(ratings: Interactions, count: int, seed: int) -> Interactions:
    """At most ``count`` random ratings of each film; a larger count contains those of a smaller one.

    Args:
        ratings: ratings of any films.
        count: ratings to keep per film; a film with fewer keeps all of them.
        seed: decides the draw; use the same one for every count.
    """
    by_film = np.lexsort((np.random.default_rng(seed).permutation(len(ratings)), ratings.movies))
    films = ratings.movies[by_film]
    place = np.arange(len(films)) - np.searchsorted(films, films)  # 0 for the first draw of each film
    return ratings.select(np.sort(by_film[place < count]))


def fold_in(train: Interactions, ratings: Interactions) -> Interactions:
    """Both sets of ratings as one, sorted by user and time."""
    both = Interactions(
        np.concatenate([train.users, ratings.users]),
        np.concatenate([train.movies, ratings.movies]),
        np.concatenate([train.ratings, ratings.ratings]),
        np.concatenate([train.timestamps, ratings.timestamps]),
        None
        if train.weights is None or ratings.weights is None
        else np.concatenate([train.weights, ratings.weights]),
    )
    return both.select(np.lexsort((both.timestamps, both.users)))


def _rows(films: IntArray, num_movies: int) -> IntArray:
    """The place of each old film row in ``films``; -1 where it is not among them."""
    row_of = np.full(num_movies, -1, dtype=np.int32)
    row_of[films] = np.arange(len(films))
    return row_of


def _select_split(split: Split, films: IntArray) -> Split:
    row_of = _rows(films, split.num_movies)
    return replace(
        split,
        train=_select_interactions(split.train, row_of),
        validation=_select_interactions(split.validation, row_of),
        test=_select_interactions(split.test, row_of),
        num_movies=len(films),
    )


def _select_interactions(interactions: Interactions, row_of: IntArray) -> Interactions:
    movies = row_of[interactions.movies]
    return replace(interactions, movies=movies).select(movies >= 0)


def _select_tags(tags: Tags, row_of: IntArray) -> Tags:
    movies = row_of[tags.movies]
    kept = np.flatnonzero(movies >= 0)
    return Tags(tags.users[kept], movies[kept], [tags.texts[row] for row in kept])


def _select_genome(genome: Genome, row_of: IntArray) -> Genome:
    movies = row_of[genome.movies]
    return Genome(movies[movies >= 0], genome.relevance[movies >= 0], genome.tag_names)
