"""Whether the best settings help: both trained anew on seeds that no trial had, and asked the test questions.

The best of many trials is partly the luckiest, on these validation questions and with this seed. So it is
compared with the start on other questions and other seeds. The comparison chooses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from base.arrays import FloatArray
from data.splits import Queries
from evaluation.comparison.bootstrap import Estimate, estimate_means
from evaluation.metrics import question_values
from evaluation.statistics import Difference, paired_difference
from report.names import metric_label
from report.text_table import TableColumn, TableSection, render_table

METRICS = ("mrr", "hit_rate@10", "hit_rate@100")
NOTHING_BETTER = "no setting was better than the start on validation: keep the settings as they are"


@dataclass(frozen=True)
class Verdict:
    """Start and best over the same seeds.

    Attributes:
        seeds: the seeds.
        start: each metric's figure for every seed.
        best: the same of the best settings.
        users: metric to the mean of best minus start, with its interval over users.
        noise: metric to the same with its interval over seeds.
    """

    seeds: tuple[int, ...]
    start: dict[str, list[float]]
    best: dict[str, list[float]]
    users: dict[str, Estimate]
    noise: dict[str, Difference]

    @property
    def sentence(self) -> str:
        """What the MRR says, in words."""
        sign, over_seeds = self.users["mrr"].sign, self.noise["mrr"].verdict
        if sign > 0 and over_seeds == "outside seed noise":
            return "the best settings are better than the start, over users and over seeds"
        if sign > 0:
            return f"the best settings are above the start over users, but {over_seeds}: not shown to help"
        if sign < 0:
            return "the best settings are worse than the start: keep the settings as they are"
        return "the best settings cannot be told apart from the start: not shown to help"

    def table(self) -> str:
        """The figures: means over seeds, difference, and both intervals."""
        rows = [
            [
                metric_label(metric),
                f"{np.mean(self.start[metric]):.4f}",
                f"{np.mean(self.best[metric]):.4f}",
                f"{users.mean:+.4f}",
                f"{users.low:+.4f} to {users.high:+.4f}",
                "" if noise.noise is None else f"±{noise.noise:.4f}",
            ]
            for metric in METRICS
            for users, noise in [(self.users[metric], self.noise[metric])]
        ]
        columns = [TableColumn("test questions", numeric=False)]
        columns += map(TableColumn, ("start", "best", "difference", "95 % over users", "95 % over seeds"))
        listed_seeds = ", ".join(map(str, self.seeds))
        return render_table(
            columns,
            [TableSection(rows)],
            [f"means of seeds {listed_seeds}, which no trial had; these figures choose nothing"],
        )

    def as_plain(self) -> dict[str, Any]:
        """Plain values for the report."""
        return {
            "seeds": list(self.seeds),
            "verdict": self.sentence,
            "start": self.start,
            "best": self.best,
            "difference": {
                metric: estimate.as_plain() | {"seed_noise": self.noise[metric].noise}
                for metric, estimate in self.users.items()
            },
        }


def compare_runs(
    seeds: Sequence[int], start: Sequence[FloatArray], best: Sequence[FloatArray], questions: Queries
) -> Verdict:
    """Compare the ranks of both settings, question by question and seed by seed.

    Args:
        seeds: one per run.
        start: float ``[num_questions]`` per seed, the ranks by the settings to start from.
        best: the same by the best settings.
        questions: the test questions.
    """
    first, second = _figures(start, questions), _figures(best, questions)
    differences = {
        metric: np.mean([b - s for s, b in zip(first[metric], second[metric], strict=True)], axis=0)
        for metric in METRICS
    }  # [num_questions] each
    before = {metric: [float(run.mean()) for run in first[metric]] for metric in METRICS}
    after = {metric: [float(run.mean()) for run in second[metric]] for metric in METRICS}
    return Verdict(
        tuple(seeds),
        before,
        after,
        estimate_means(differences, questions.users, seeds[0]),
        {metric: paired_difference(after[metric], before[metric]) for metric in METRICS},
    )


def _figures(runs: Sequence[FloatArray], questions: Queries) -> dict[str, list[FloatArray]]:
    """Metric to what each question contributes, float64 ``[num_questions]`` per run."""
    values = [question_values(ranks, questions.protocol) for ranks in runs]
    return {metric: [run[metric] for run in values] for metric in METRICS}
