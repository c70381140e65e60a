"""Recommendations from a trained model: films for a film, for a person, for a new movie."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from base.arrays import FloatArray
from base.checks import shown_value, whole_number
from base.errors import UserError
from config import InferenceConfig, SearchConfig
from data.dataset import MovieLens
from model.checkpoint import BEST, load_checkpoint
from recommend.added_films import with_added_films
from recommend.answers import Answer
from recommend.by_row import RowRecommender
from recommend.explanation import Explanation, explain_pair
from recommend.history import named_history, training_data, user_history
from recommend.new_movies import NewMovie, checked_movies

DEFAULT_K = InferenceConfig.num_recommendations


class Recommender(RowRecommender):
    """Recommends films from the embeddings of a trained model.

    A film is named by its id or its title. A bare value is an id if a film has exactly this id, else a title;
    ``id=`` and ``title=`` say which. Case, accents, articles and typos in titles do not matter. Answers are
    records: they print as tables, can be looped over, and have ``to_frame()`` and ``to_json()``.

    Example::

        recommender = Recommender.load("checkpoints")
        recommender.similar("Toy Story (1995)", k=5)
        recommender.for_history({"Toy Story (1995)": 5, "Heat (1995)": None}).to_frame()

    Args:
        model: a trained model.
        search: settings of the index that answers; exact search by default.
        folder: where the file of the index is kept; None keeps none.

    Raises:
        ValueError: the settings of the index do not fit.
    """

    @classmethod
    def load(cls, path: str | Path = "checkpoints", *, search: SearchConfig | None = None) -> "Recommender":
        """A recommender of a saved model, with the films that were added to it.

        Args:
            path: the folder of the checkpoints, or one checkpoint.
            search: settings of the index. Its file is kept beside ``best.pt``.

        Raises:
            ValueError: there is no checkpoint, it cannot be read, or the settings of the index do not fit.
        """
        file = Path(path) / BEST if Path(path).is_dir() else Path(path)
        model = with_added_films(load_checkpoint(file), file.parent)
        return cls(model, search=search, folder=file.parent if file.name == BEST else None)

    @property
    def rating_range(self) -> tuple[float, float]:
        """The lowest and the highest rating that a person can give, on the data's own scale."""
        return self.checkpoint.rating_range

    def similar(
        self,
        film: int | str | NewMovie | None = None,
        k: int = DEFAULT_K,
        *,
        id: int | str | None = None,
        title: str | None = None,
        reasons: bool = False,
        diversity: float | None = None,
        where: Any = None,
    ) -> Answer:
        """The ``k`` films most similar to a film, best first; fewer if the catalogue has no more.

        Args:
            film: an id, a title, or a new movie as ``embed`` takes it.
            k: films wanted.
            id: the film's id, instead of ``film``.
            title: the film's title, instead of ``film``.
            reasons: say in a few words why each film is similar.
            diversity: as in ``with_diversity``; None is that of the recommender.
            where: a condition that the films must fulfil, as ``with_condition`` takes it; None is that of the
                recommender.

        Raises:
            ValueError: not exactly one of ``film``, ``id`` and ``title`` is given, there is no such film, a
                title can mean several, ``k`` is below 1, ``diversity`` is not from 0 to 1, or the condition
                is none.
        """
        if diversity is not None or where is not None:
            asked = self._with(diversity, where)
            return asked.similar(film, k, id=id, title=title, reasons=reasons)
        whole_number("k", k, 1)
        given = sum(value is not None for value in (film, id, title))
        if given != 1:
            raise UserError(f"give exactly one of `film`, `id` and `title`, got {given} of them")
        if isinstance(film, Mapping):
            guests = self.with_guests(checked_movies(self.checkpoint, [film]))
            return next(guests.answer_rows([len(self.movies)], k, reasons))
        if id is not None:
            row = self.lookup.row_of_id(id)
        else:
            row = self.lookup.row(film) if title is None else self.lookup.row_of_title(title)
        return next(self.answer_rows([row], k, reasons))

    def for_history(
        self,
        history: Mapping[Any, float | None] | Iterable[Any],
        k: int = DEFAULT_K,
        *,
        diversity: float | None = None,
        where: Any = None,
    ) -> Answer:
        """The ``k`` best films for someone who has seen some films: each with its reason, none of theirs.

        Args:
            history: ids or titles, oldest first; as a mapping, each with None or a rating on the scale of the
                data, which ``rating_range`` gives.
            k: films wanted.
            diversity: as in ``similar``.
            where: as in ``similar``.

        Raises:
            ValueError: no film is named, one is unknown, ambiguous or named twice, a rating is out of range,
                ``k`` is below 1, ``diversity`` is not from 0 to 1, or the condition is none.
        """
        if diversity is not None or where is not None:
            return self._with(diversity, where).for_history(history, k)
        whole_number("k", k, 1)
        if isinstance(history, str | bytes) or not isinstance(history, Iterable):
            raise UserError(f"`history` must be a mapping or a list of films, got {shown_value(history)}")
        films = list(history)
        ratings = [history[film] for film in films] if isinstance(history, Mapping) else [None] * len(films)
        named = named_history(self.movies, films, ratings, self.lookup.row, self.checkpoint)
        return self.answer_history(named, k)

    def for_user(
        self,
        user_id: int | str,
        k: int = DEFAULT_K,
        *,
        data: MovieLens | str | Path,
        schema: str | None = None,
        diversity: float | None = None,
        where: Any = None,
    ) -> Answer:
        """The ``k`` best films for a user of the data, by all that the user has rated.

        Args:
            user_id: as the data have it.
            k: films wanted.
            data: the data that the model was trained on, or their folder. A model holds nobody's ratings.
            schema: file that says how to read the folder, as in training.
            diversity: as in ``similar``.
            where: as in ``similar``.

        Raises:
            ValueError: these are other data, they have no such user, ``k`` is below 1, ``diversity`` is not
                from 0 to 1, or the condition is none.
        """
        if diversity is not None or where is not None:
            return self._with(diversity, where).for_user(user_id, k, data=data, schema=schema)
        whole_number("k", k, 1)
        movielens = data if isinstance(data, MovieLens) else training_data(self.checkpoint, data, schema)
        question, history = user_history(self.checkpoint, movielens, user_id)
        return self.answer_history(history, k, question)

    def _with(self, diversity: float | None, where: Any) -> Self:
        """The recommender for one question; what is None stays."""
        asked = self if diversity is None else self.with_diversity(diversity)
        return asked if where is None else asked.with_condition(where)

    def embed(self, movies: NewMovie | Sequence[NewMovie], *, as_queries: bool = False) -> FloatArray:
        """Embeddings of new movies, which were not in training. Nothing is kept.

        Args:
            movies: one or several, as a movie file describes them: ``{"title": "Heat", "year": 1995,
                "genres": ["Crime"], "tags": ["heist"], "ratings": [{"userId": 7, "rating": 4.5}]}``. Only the
                title must be there.
            as_queries: give the vectors of movies that ask, not of movies that are found.

        Returns:
            float32 ``[n, dim]``.

        Raises:
            ValueError: a movie is not described like this.
        """
        guests = self.with_guests(checked_movies(self.checkpoint, movies))
        vectors = guests.query_embeddings if as_queries else guests.embeddings
        return vectors[len(self.movies) :].copy()

    def explain(self, film: int | str, other: int | str) -> Explanation:
        """What ties ``other`` to ``film``: the importance neighbours that both have.

        Args:
            film: an id or a title.
            other: an id or a title.

        Raises:
            ValueError: there is no such film, or a title can mean several.
        """
        first, second = self.lookup.row(film), self.lookup.row(other)
        return explain_pair(self.movies, self.neighbor_table, first, second)
