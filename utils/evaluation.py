"""Full-catalogue ranking metrics: the door to ``evaluation.ranking``."""

from evaluation.ranking import (
    BLOCK_SIZE,
    COVERAGE_DEPTH,
    HIT_RATE_CUTOFFS,
    NEXT_ITEM_DEPTH,
    NO_QUESTIONS,
    SCALED_MRR_UNIT,
    EmbeddingScorer,
    Evaluation,
    Scorer,
    evaluate,
    question_values,
    rank_targets,
    ranking_metrics,
    sample_questions,
)

__all__ = [
    "BLOCK_SIZE",
    "COVERAGE_DEPTH",
    "HIT_RATE_CUTOFFS",
    "NEXT_ITEM_DEPTH",
    "NO_QUESTIONS",
    "SCALED_MRR_UNIT",
    "EmbeddingScorer",
    "Evaluation",
    "Scorer",
    "evaluate",
    "question_values",
    "rank_targets",
    "ranking_metrics",
    "sample_questions",
]
