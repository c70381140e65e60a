"""The answers of many users at once, equal to those of ``suggest`` for each of them."""

from functools import cached_property

import numpy as np

from base.arrays import IntArray
from data.dataset import MovieLens
from data.histories import History, histories_of_users
from recommend.batch.answers import Answers
from recommend.batch.votes import TOO_FEW, count_votes
from recommend.by_row import RowRecommender
from recommend.history import counted
from recommend.taste import NEAREST, rank_shares, strongest


class People:
    """Recommends films for the users of the data.

    One table of the films nearest to each film serves all users. A user who has seen nearly all of the films
    that the table gives is answered by ``suggest``, which looks further; so is everyone for varied lists.

    Args:
        recommender: a trained model.
        movielens: the data it was trained on.
    """

    def __init__(self, recommender: RowRecommender, movielens: MovieLens):
        self.recommender = recommender
        self.movielens = movielens

    def __len__(self) -> int:
        return len(self.movielens.user_ids)

    def answers(self, users: range, k: int) -> Answers:
        """The ``k`` best films for each of the user rows ``users``; none for one without any."""
        model = self.recommender.checkpoint
        rated = histories_of_users(self.movielens.interactions, np.array(users))
        histories = [counted(model, self.movielens, history) for history in rated]
        answers = self._by_table(histories, k)
        for number in np.flatnonzero(answers.counts == TOO_FEW):
            history = histories[number]
            found = self.recommender.suggest(history, k) if len(history.rows) else []
            answers.put(int(number), found)
        return answers

    def _by_table(self, histories: list[History], k: int) -> Answers:
        """The answers that the table of nearest films gives; the counts of all others are ``TOO_FEW``."""
        answers = Answers.empty(len(histories), k, have_reasons=True)
        # Of few films, the lists of some are shorter than of others.
        if self.recommender.diversity or self.recommender.num_recommendable <= NEAREST:
            answers.counts[:] = TOO_FEW
            return answers
        nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        asked = [strongest(history) if len(history.rows) else nothing for history in histories]
        films = [history.rows[chosen] for history, (chosen, _) in zip(histories, asked, strict=True)]
        count_votes(
            self._nearest,
            rank_shares(NEAREST, self.recommender.checkpoint.person.rank_offset),
            np.concatenate(films).astype(np.int64),
            np.concatenate([weights for _, weights in asked]),
            _ends(films),
            np.concatenate([history.rows for history in histories]).astype(np.int64),
            _ends([history.rows for history in histories]),
            answers.rows,
            answers.scores,
            answers.because,
            answers.counts,
        )
        return answers

    @cached_property
    def _nearest(self) -> IntArray:
        """The films nearest to each film, int32 ``[num_movies, NEAREST]``."""
        rows = np.arange(len(self.recommender.movies))
        return self.recommender.nearest_for_person(rows, NEAREST).astype(np.int32)


def _ends(lists: list[IntArray]) -> IntArray:
    """Where each list begins once they stand one after the other, and the end: int64 ``[n + 1]``."""
    return np.cumsum([0, *map(len, lists)])
