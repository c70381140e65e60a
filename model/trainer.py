"""The trainer: trains one PinSage, one epoch at a time.

The model can be used after every epoch. ``state_dict`` contains the complete state, so a training that was
stopped after an epoch and continued gives the same result as an uninterrupted one, bit for bit.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from base.distributed import all_reduce_gradients, share_of
from base.errors import WorldError
from config import ModelConfig, TrainingConfig
from data.negative_sampler import NegativeSampler, num_hard_negatives
from data.pairs import training_pairs
from data.splits import Split
from data.trainable import check_pairs
from model.batch import make_batch
from model.blend import Blend
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.loss import LOSSES
from model.nodes import Nodes
from model.pinsage import PinSage, build_blocks_unchecked
from model.schedule import learning_rate

# The default number of pairs per epoch is the larger of these two.
MIN_PAIRS_PER_EPOCH = 1_000_000
PAIRS_PER_FILM = 160
FUSED_ON = ("cpu", "cuda")  # where AdamW is one operation for all weights
# Several batches are made at a time, of about so many pairs per film; see ``Trainer.batches``.
PAIRS_TOGETHER_PER_FILM, MAX_BATCHES_TOGETHER = 2, 16


def build_model(num_features: int, settings: ModelConfig, seed: int) -> PinSage:
    """A PinSage with random initial weights, which depend on ``seed`` only.

    Args:
        num_features: number of features of a film.
        settings: settings of the network.
        seed: seed of the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed also seeds the GPUs, for good
        return PinSage(
            num_features,
            settings.hidden_dim,
            settings.embedding_dim,
            settings.layer_neighbors,
            settings.aggregator,
            settings.head,
        )


class Trainer:
    """Trains one PinSage on the pairs of one split.

    Args:
        inputs: graph, features and neighbours of the training interactions.
        split: the pairs come from its training part.
        model_settings: settings of the network.
        settings: settings of pairs, loss and schedule.
        seed: seed of initial weights, order of pairs and negatives.
        device: device of all tensors.
        show_progress: show a progress bar per epoch if stderr is a terminal.

    Attributes:
        blend: how the latest ``embeddings`` were joined with the views; None without views.

    Raises:
        UserError: there are fewer than three films, or no user has two training ratings.
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
        check_pairs(split)
        self.pairs = training_pairs(
            split.train, split.num_users, settings.pair_window, settings.pair_order == "both"
        )
        self.settings = settings
        self.device = device
        self.show_progress = show_progress
        self.nodes = inputs.nodes.to(device)
        self.shadows = inputs.shadows
        self.views = inputs.views
        self.model_settings = model_settings
        self.blend: Blend | None = None
        self.negatives = NegativeSampler(
            inputs.graph,
            settings.negatives_per_batch,
            settings.max_hard_negatives,
            seed,
            settings.popular_negatives,
        )
        self.model = build_model(self.nodes.features.size(1), model_settings, seed).to(device)
        self.loss = LOSSES[settings.loss](settings)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), weight_decay=settings.weight_decay, fused=device.type in FUSED_ON
        )
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0  # epochs completed
        cap = settings.pairs_per_epoch or max(MIN_PAIRS_PER_EPOCH, PAIRS_PER_FILM * split.num_movies)
        self.pairs_per_epoch = min(len(self.pairs), cap)
        self.steps_per_epoch = math.ceil(self.pairs_per_epoch / settings.batch_size)

    def train_epoch(self) -> dict[str, float]:
        """Train one epoch.

        Returns:
            The row of the epoch in the training history, without validation figures.

        Raises:
            WorldError: the loss became NaN or infinite.
        """
        self.model.train()
        started = time.perf_counter()
        nodes = self.draw_nodes()
        numbers = self.pairs.draw(self.pairs_per_epoch, self.generator)
        total_loss = 0.0
        step = self.epoch * self.steps_per_epoch
        # disable=None: no bar if stderr is not a terminal.
        with tqdm(
            total=len(numbers),
            desc=f"epoch {self.epoch + 1}/{self.settings.epochs}",
            unit=" pairs",
            unit_scale=True,
            disable=None if self.show_progress else True,
            leave=False,
        ) as bar:
            for done, pairs in enumerate(self.batches(numbers), start=1):
                rate = learning_rate(step, self.steps_per_epoch, self.settings)
                loss = self.train_step(nodes, *pairs, rate)
                if not math.isfinite(loss):
                    raise WorldError(
                        f"the loss became {loss} in epoch {self.epoch + 1}, step {done}; the last good "
                        f"checkpoint is intact, train again with `lr` below {self.settings.lr:g}"
                    )
                total_loss += loss
                step += 1
                bar.update(len(pairs[0]))
                bar.set_postfix(loss=f"{total_loss / done:.3f}", refresh=False)
        seconds = time.perf_counter() - started
        self.epoch += 1
        return {
            "epoch": self.epoch,
            "loss": total_loss / done,
            "learning_rate": rate,
            "hard_negatives": num_hard_negatives(self.epoch - 1, self.settings.max_hard_negatives),
            "pairs_per_second": len(numbers) / seconds,
            "seconds": seconds,
        }

    def batches(self, numbers: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of pairs: queries and positives, int64 ``[B]`` film rows.

        If batches are small beside the catalogue, several are made at a time: pairs with the same query are
        in the same batch, so that it has fewer films to embed and fewer queries to compare with the
        negatives. Which queries meet in a batch is random.

        Args:
            numbers: int64, of pairs.
        """
        size = self.settings.batch_size
        num_movies = len(self.nodes.features)
        num_batches = min(max(1, round(PAIRS_TOGETHER_PER_FILM * num_movies / size)), MAX_BATCHES_TOGETHER)
        for together in numbers.split(num_batches * size):
            queries, positives = self.pairs[together]
            if num_batches > 1:
                order = torch.randperm(num_movies, generator=self.generator)[queries].argsort(stable=True)
                queries, positives = queries[order], positives[order]
            yield from zip(queries.split(size), positives.split(size), strict=True)

    def draw_nodes(self) -> Nodes:
        """The inputs of this epoch: the films and, if ``shadow_share`` is not 0, their shadows after them."""
        if self.settings.shadow_share == 0:
            return self.nodes
        return self.nodes.followed_by(
            self.shadows.draw(self.epoch, self.settings.masked_share).to(self.device)
        )

    def train_step(self, nodes: Nodes, queries: Tensor, positives: Tensor, rate: float) -> float:
        """One optimiser step on a batch of pairs.

        Args:
            nodes: inputs of the epoch, see ``draw_nodes``.
            queries: int64 ``[B]`` film rows.
            positives: int64 ``[B]`` film rows.
            rate: learning rate of this step.

        Returns:
            The loss.
        """
        shared, hard = self.negatives.sample_batch_negatives(queries, self.device, self.epoch, positives)
        mine, part_of_batch = share_of(queries)
        pairs = (queries[mine].to(self.device), positives[mine].to(self.device))
        batch = make_batch(*pairs, shared, hard[mine.to(self.device)], self.negatives.log_probability)
        z = self._embed(nodes, batch.films, batch.num_queries)
        losses = [self.loss(view, batch) for view in z.views(self.model.num_views)]
        loss = torch.stack(losses).mean() * part_of_batch
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        loss = all_reduce_gradients(self.model, loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return loss.item()

    def _embed(self, nodes: Nodes, films: Tensor, num_queries: int | None = None) -> Embeddings:
        """Embed distinct films, int64 ``[F]``; a random share of them is replaced by their shadows.

        Args:
            nodes: inputs of the epoch.
            films: film rows.
            num_queries: how many of them, the first ones, need a vector as query; all by default.
        """
        num_movies = len(self.nodes.features)
        if len(nodes.features) > num_movies:
            chance = torch.rand(num_movies, generator=self.generator).to(self.device)
            films = films + num_movies * (chance[films] < self.settings.shadow_share)
        sources, blocks = build_blocks_unchecked(
            films, nodes.neighbors, nodes.weights, self.model.layer_neighbors
        )
        return self.model.forward_blocks(nodes.features.index_select(0, sources), blocks, num_queries)

    def embeddings(self) -> Embeddings:
        """Embeddings of all films, float32 ``[num_movies, dim]`` of unit length, on the CPU."""
        learned = self.learned_embeddings(self.nodes)
        if self.views is None:
            return learned
        self.blend = Blend.fit(learned, self.views, self.model_settings)
        return self.blend.join(learned, self.views)

    def learned_embeddings(self, nodes: Nodes) -> Embeddings:
        """What the network makes of films, float32 ``[n, d]`` of unit length, on the CPU.

        Several processes embed a share of the films each.
        """
        self.model.eval()
        return Embeddings(*(part.cpu() for part in self.model.embed_all(*nodes, together=True)))

    def state_dict(self) -> dict[str, Any]:
        """Weights, state of the optimiser, epoch and random states, as tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "rng": {"pairs": self.generator.get_state(), "negatives": self.negatives.generator.get_state()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that ``state_dict`` returned."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]
        self.generator.set_state(state["rng"]["pairs"])
        self.negatives.generator.set_state(state["rng"]["negatives"])
