"""Training: pairs in, embeddings out, one epoch at a time.

The trainer is usable after every epoch, and its whole state is in ``state_dict``: a training that
was stopped after an epoch continues to the same bits as one that was not.
"""

import math
import time
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from config import ModelConfig, TrainingConfig
from data.negative_sampler import NegativeSampler, num_hard_negatives
from data.pairs import TrainingPairs
from data.splits import Split
from model.inputs import ModelInputs
from model.loss import BatchScores, max_margin_loss, softmax_loss
from model.pinsage import PinSage, build_blocks
from model.schedule import learning_rate
from utils.errors import UserError, WorldError

FEWEST_FILMS = 3  # a query, its positive and one other film to hold against them


def build_model(num_features: int, settings: ModelConfig, seed: int) -> PinSage:
    """A PinSage with initial weights that depend on ``seed`` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PinSage(
            num_features,
            settings.hidden_dim,
            settings.embedding_dim,
            settings.num_layers,
            settings.aggregator,
        )


class Trainer:
    """Trains one PinSage on the pairs of one split.

    Args:
        inputs: graph, features and neighbours of the training interactions.
        split: whose training part gives the pairs.
        model_settings: of the network.
        settings: of pairs, loss and schedule.
        seed: of initial weights, pair order and negatives.
        device: where tensors live.
        show_progress: draw a bar for every epoch, where stderr is a terminal.

    Raises:
        UserError: the training data hold no pair, or too few films.
    """

    def __init__(
        self,
        inputs: ModelInputs,
        split: Split,
        model_settings: ModelConfig,
        settings: TrainingConfig,
        seed: int,
        device: torch.device,
        show_progress: bool = False,
    ):
        if split.num_movies < FEWEST_FILMS:
            raise UserError(f"training needs at least {FEWEST_FILMS} films, got {split.num_movies}")
        self.pairs = TrainingPairs(
            split.train, split.num_users, settings.pair_window, settings.pair_order == "both"
        )
        if len(self.pairs) == 0:
            raise UserError(
                f"nothing to train on: no user of {split.num_users} has two training ratings; "
                "use a larger dataset or another --split"
            )
        self.settings = settings
        self.device = device
        self.show_progress = show_progress
        self.features = inputs.features.to(device)
        self.neighbors = inputs.neighbors.to(device)
        self.weights = inputs.weights.to(device)
        self.negatives = NegativeSampler(
            inputs.graph, settings.num_negatives, settings.max_hard_negatives, seed
        )
        self.model = build_model(self.features.size(1), model_settings, seed).to(device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=settings.weight_decay)
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0  # epochs completed
        self.steps_per_epoch = math.ceil(min(len(self.pairs), settings.pairs_per_epoch) / settings.batch_size)

    def train_epoch(self) -> dict[str, float]:
        """One pass over the epoch's pairs.

        Returns:
            The epoch's row of the training history, without validation figures.

        Raises:
            WorldError: the loss is no longer a number.
        """
        self.model.train()
        started = time.perf_counter()
        numbers = self.pairs.draw(self.settings.pairs_per_epoch, self.generator)
        batches = numbers.split(self.settings.batch_size)
        total_loss = 0.0
        step = self.epoch * self.steps_per_epoch
        # disable=None: no bar where stderr is not a terminal.
        with tqdm(
            total=len(numbers),
            desc=f"epoch {self.epoch + 1}/{self.settings.epochs}",
            unit=" pairs",
            unit_scale=True,
            disable=None if self.show_progress else True,
            leave=False,
        ) as bar:
            for done, batch in enumerate(batches, start=1):
                rate = learning_rate(step, self.steps_per_epoch, self.settings.lr, self.settings.lr_decay)
                loss = self._train_step(*self.pairs[batch], rate)
                if not math.isfinite(loss):
                    raise WorldError(
                        f"the loss became {loss} in epoch {self.epoch + 1}, step {done}; the last good "
                        f"checkpoint is intact, train again with --lr below {self.settings.lr:g}"
                    )
                total_loss += loss
                step += 1
                bar.update(len(batch))
                bar.set_postfix(loss=f"{total_loss / done:.3f}", refresh=False)
        seconds = time.perf_counter() - started
        self.epoch += 1
        return {
            "epoch": self.epoch,
            "loss": total_loss / len(batches),
            "learning_rate": rate,
            "hard_negatives": num_hard_negatives(self.epoch - 1, self.settings.max_hard_negatives),
            "pairs_per_second": len(numbers) / seconds,
            "seconds": seconds,
        }

    def _train_step(self, queries: Tensor, positives: Tensor, rate: float) -> float:
        """One optimiser step on a batch of pairs; returns the loss."""
        shared, hard = self.negatives.sample_batch_negatives(queries, self.device, self.epoch, positives)
        queries, positives = queries.to(self.device), positives.to(self.device)
        loss = self._loss(self._score(queries, positives, shared, hard))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return loss.item()

    def _score(self, queries: Tensor, positives: Tensor, shared: Tensor, hard: Tensor) -> BatchScores:
        """Embed each film of the batch once, then score all pairs.

        Rows are picked by ``index_select``: its gradient adds up in a fixed order on CPU, that of
        indexing with brackets does not.
        """
        films = torch.cat([queries, positives, shared, hard.view(-1)])
        distinct, place = torch.unique(films, return_inverse=True)
        nodes, blocks = build_blocks(distinct, self.neighbors, self.weights, len(self.model.convs))
        z = self.model(self.features.index_select(0, nodes), blocks)  # [distinct, d]
        query, positive, negative, hard_place = place.split(
            [len(queries), len(positives), len(shared), hard.numel()]
        )
        distinct_query, query_of_pair = torch.unique(query, return_inverse=True)
        shared_scores = z.index_select(0, distinct_query) @ z.index_select(0, negative).T  # [Q, R]
        column_of = torch.full((len(distinct),), -1, device=z.device)
        column_of[negative] = torch.arange(len(negative), device=z.device)
        z_query = z.index_select(0, query)  # [B, d]
        z_hard = z.index_select(0, hard_place).view(*hard.shape, z.size(1))  # [B, H, d]
        return BatchScores(
            positive=(z_query * z.index_select(0, positive)).sum(dim=1),
            shared=shared_scores.masked_fill(distinct_query.unsqueeze(1) == negative, -torch.inf),
            query_of_pair=query_of_pair,
            positive_column=column_of[positive],
            hard=torch.einsum("bd,bhd->bh", z_query, z_hard),
        )

    def _loss(self, scores: BatchScores) -> Tensor:
        if self.settings.loss == "softmax":
            return softmax_loss(scores, self.settings.temperature)
        return max_margin_loss(scores, self.settings.margin)

    def embeddings(self) -> Tensor:
        """Unit-length embeddings of the whole catalogue, float32 ``[num_movies, d]`` on CPU."""
        self.model.eval()
        return self.model.embed_all(self.features, self.neighbors, self.weights).cpu()

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimiser, epoch and random states: tensors and plain values only."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "rng": {"pairs": self.generator.get_state(), "negatives": self.negatives.generator.get_state()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.generator.set_state(state["rng"]["pairs"])
        self.negatives.generator.set_state(state["rng"]["negatives"])
