"""The validation questions of a training, and how its epochs are judged by them."""

import numpy as np

from config import TrainingConfig
from data.splits import Queries, Split, held_out_queries
from evaluation.ranking import EmbeddingScorer, evaluate, sample_questions
from model.fit import Validate
from model.heads import Embeddings

SHOWN = ("mrr", "hit_rate@10", "hit_rate@100")  # figures of the training history and on the screen


def validation_questions(split: Split, settings: TrainingConfig, seed: int) -> Queries | None:
    """The questions that choose the best epoch; None for the split ``none``, which holds nothing out.

    Raises:
        UserError: the validation part makes no question.
    """
    if split.name == "none":
        return None
    return sample_questions(held_out_queries(split, "validation"), settings.eval_queries, seed)


def judge_by(questions: Queries | None) -> Validate | None:
    """What ``fit`` asks after every epoch; None where there are no questions."""
    if questions is None:
        return None

    def validate(embeddings: Embeddings) -> dict[str, float]:
        result = evaluate(EmbeddingScorer.of(embeddings), questions)
        error = np.std(1 / result.ranks) / np.sqrt(len(result.ranks))
        return {name: result.metrics[name] for name in SHOWN} | {"mrr_error": float(error)}

    return validate
