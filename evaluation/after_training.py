"""What validation chooses after the last epoch: how much the views count, and how people are asked.

Data differ in both. On ml-100k the graph view finds films of a kind and films for people, and costs nothing.
On a shop and on 25 million synthetic ratings it hides what the network has learned. In the shop the first
ranks count most for a customer; where people rate films, lower ranks tell, too.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from base.errors import UserError
from config import TrainingConfig
from data.histories import user_questions
from data.splits import Split
from evaluation.ranking import EmbeddingScorer, rank_targets
from evaluation.users import DEPTH, evaluate_users, sample_users
from evaluation.validation import validation_questions
from model.checkpoint import Checkpoint
from model.heads import Embeddings
from model.person_settings import PersonSettings
from recommend.taste import TasteScorer

logger = logging.getLogger("pinsage")

# Shares of `graph_view` and `content_view` that may be left. New films are found by the content view, so it
# keeps more.
SHARES = ((0.5, 1.0), (0.1, 1.0), (0.01, 0.3))
# The views help in what the validation MRR does not measure, so their cost must be clear. Questions of one
# user resemble each other, so the true error is larger than that of independent ones.
MIN_ERRORS = 3.0
# As many as every baseline has. They come from validation figures of ml-100k, of ml-100k from 4 stars, of a
# shop and of synthetic data.
PEOPLE = (
    PersonSettings(),
    PersonSettings(2.5, 4.0),
    PersonSettings(1.0, 1.0),
    PersonSettings(0.3, 4.0),
)
CHOSEN_BY = f"ndcg@{DEPTH}"


def with_chosen_settings(checkpoint: Checkpoint, split: Split, settings: TrainingConfig) -> Checkpoint:
    """The checkpoint with the shares of the views and the settings for people that validation chooses.

    Args:
        checkpoint: a trained model, as after an epoch.
        split: the split of its training.
        settings: ``eval_queries`` limits the number of questions, and the number of users.
    """
    shared = with_view_shares(checkpoint, split, settings)
    return with_person_settings(shared, split, settings.eval_queries)


def with_view_shares(checkpoint: Checkpoint, split: Split, settings: TrainingConfig) -> Checkpoint:
    """The checkpoint with less of the views, if the validation MRR is then clearly higher.

    Each of ``SHARES`` is compared with the best so far, question by question. It is chosen if its MRR is
    higher by more than ``MIN_ERRORS`` standard errors of the difference. Arguments as in
    ``with_chosen_settings``.
    """
    blend = checkpoint.blend
    questions = validation_questions(split, settings, checkpoint.settings["seed"])
    if blend is None or not blend.weights[0] or questions is None or blend.graph_share != 1:
        return checkpoint
    best, best_gains = checkpoint, 1 / rank_targets(_scorer(checkpoint), questions)
    for graph, content in SHARES:
        less = replace(
            checkpoint,
            blend=replace(blend, graph_share=graph, content_share=content),
            query_embeddings=blend.with_shares(checkpoint.query_embeddings, graph, content),
        )
        gains = 1 / rank_targets(_scorer(less), questions)
        differences = gains - best_gains
        if differences.mean() > MIN_ERRORS * differences.std() / np.sqrt(len(differences)):
            logger.info(
                "graph and content view keep %g and %g of their weights: validation MRR %.4f instead of %.4f",
                *(graph, content, gains.mean(), best_gains.mean()),
            )
            best, best_gains = less, gains
    return best


def with_person_settings(
    checkpoint: Checkpoint, split: Split, max_questions: int, grid: Sequence[PersonSettings] = PEOPLE
) -> Checkpoint:
    """The checkpoint with the settings of ``grid`` that have the highest validation NDCG for people.

    Equal figures leave the earlier setting. Nothing is chosen where nobody liked anything in the validation
    part, as with the split ``none``.

    Args:
        checkpoint: a trained model.
        split: the split of its training.
        max_questions: maximum number of users who are asked; more are sampled.
        grid: the settings to try.
    """
    try:
        questions = user_questions(split, "validation", checkpoint.best_rating)
    except UserError:
        return checkpoint
    questions = sample_users(questions, split.num_movies, max_questions, checkpoint.settings["seed"])
    tried = [replace(checkpoint, person=settings) for settings in grid]
    figures = [evaluate_users(TasteScorer.of(one), questions)[CHOSEN_BY] for one in tried]
    best = max(range(len(grid)), key=figures.__getitem__)
    logger.debug(
        "for people: graph view x %g, rank offset %g (validation NDCG@%d %.4f)",
        *(grid[best].graph_factor, grid[best].rank_offset, DEPTH, figures[best]),
    )
    return tried[best]


def _scorer(checkpoint: Checkpoint) -> EmbeddingScorer:
    return EmbeddingScorer.of(Embeddings(checkpoint.embeddings, checkpoint.query_embeddings))
