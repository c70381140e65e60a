"""Training: pairs in, embeddings out, one epoch at a time.

The trainer is usable after every epoch, and its whole state is in ``state_dict``: a training that
was stopped after an epoch continues to the same bits as one that was not.
"""

import math
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from base.errors import UserError, WorldError
from base.team import add_up, share_of
from config import ModelConfig, TrainingConfig
from data.negative_sampler import NegativeSampler, num_hard_negatives
from data.pairs import TrainingPairs
from data.splits import Split
from model.batch import PairBatch, make_batch
from model.heads import Embeddings
from model.inputs import ModelInputs
from model.loss import max_margin_loss, softmax_loss
from model.pinsage import PinSage, build_blocks_unchecked
from model.schedule import learning_rate
from model.shadows import Nodes

FEWEST_FILMS = 3  # a query, its positive and one other film to hold against them
# An epoch's pairs, whichever is more: enough to learn from, few enough to wait for.
LEAST_CAP = 1_000_000
CAP_A_FILM = 64


def build_model(num_features: int, settings: ModelConfig, seed: int) -> PinSage:
    """A PinSage with initial weights that depend on ``seed`` alone.

    Raises:
        UserError: the head cannot make embeddings of this length, or layers and neighbours do not fit.
    """
    if len(settings.layer_neighbors) != settings.num_layers:
        raise UserError(
            f"--num_neighbors {','.join(map(str, settings.layer_neighbors))} does not fit "
            f"--num_layers {settings.num_layers}; give one number, or one a layer"
        )
    if settings.head == "mixed" and settings.embedding_dim % 2:
        raise UserError(
            f"--embedding_dim {settings.embedding_dim} must be even, since --head mixed halves it; "
            "use an even number or another --head"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
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
        self.shadows = inputs.shadows
        self.negatives = NegativeSampler(
            inputs.graph,
            settings.num_negatives,
            settings.max_hard_negatives,
            seed,
            settings.popular_negatives,
        )
        self.model = build_model(self.features.size(1), model_settings, seed).to(device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=settings.weight_decay)
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0  # epochs completed
        cap = settings.pairs_per_epoch or max(LEAST_CAP, CAP_A_FILM * split.num_movies)
        self.pairs_per_epoch = min(len(self.pairs), cap)
        self.steps_per_epoch = math.ceil(self.pairs_per_epoch / settings.batch_size)

    def train_epoch(self) -> dict[str, float]:
        """One pass over the epoch's pairs.

        Returns:
            The epoch's row of the training history, without validation figures.

        Raises:
            WorldError: the loss is no longer a number.
        """
        self.model.train()
        started = time.perf_counter()
        nodes = self.draw_nodes()
        numbers = self.pairs.draw(self.pairs_per_epoch, self.generator)
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
                loss = self.train_step(nodes, *self.pairs[batch], rate)
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

    def draw_nodes(self) -> Nodes:
        """What this epoch's batches read: the films, and behind them their shadows where there are any."""
        if self.settings.shadow_share == 0:
            return Nodes(self.features, self.neighbors, self.weights)
        shadows = self.shadows.draw(self.epoch)
        own = (self.features, self.neighbors, self.weights)
        return Nodes(*(torch.cat([a, b.to(self.device)]) for a, b in zip(own, shadows, strict=True)))

    def train_step(self, nodes: Nodes, queries: Tensor, positives: Tensor, rate: float) -> float:
        """One optimiser step on a batch of pairs, film rows int64 ``[B]`` each; returns the loss."""
        shared, hard = self.negatives.sample_batch_negatives(queries, self.device, self.epoch, positives)
        mine, part_of_batch = share_of(queries)
        pairs = (queries[mine].to(self.device), positives[mine].to(self.device))
        batch = make_batch(*pairs, shared, hard[mine.to(self.device)], self.negatives.log_chance)
        z = self._embed(nodes, batch.films)
        views = zip(*(part.chunk(self.model.num_views, dim=1) for part in z), strict=True)
        losses = [
            self._loss(Embeddings(*(F.normalize(part, dim=1) for part in view)), batch) for view in views
        ]
        loss = torch.stack(losses).mean() * part_of_batch
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        loss = add_up(self.model, loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        return loss.item()

    def _embed(self, nodes: Nodes, films: Tensor) -> Embeddings:
        """Embed distinct films, a random share of them as their shadows."""
        if len(nodes.features) > len(self.features):
            chance = torch.rand(len(self.features), generator=self.generator).to(self.device)
            films = films + len(self.features) * (chance[films] < self.settings.shadow_share)
        sources, blocks = build_blocks_unchecked(
            films, nodes.neighbors, nodes.weights, self.model.layer_neighbors
        )
        return self.model(nodes.features.index_select(0, sources), blocks)

    def _loss(self, z: Embeddings, batch: PairBatch) -> Tensor:
        if self.settings.loss == "softmax":
            return softmax_loss(z, batch, self.settings.temperature, getattr(torch, self.settings.precision))
        return max_margin_loss(z, batch, self.settings.margin)

    def embeddings(self) -> Embeddings:
        """Unit-length embeddings of the whole catalogue, float32 ``[num_movies, d]`` on CPU."""
        self.model.eval()
        z = self.model.embed_all(self.features, self.neighbors, self.weights)
        return Embeddings(*(part.cpu() for part in z))

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
