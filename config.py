"""Every setting, once: name, type, default, range and reason.

Parsers, ``--help``, the README's table and the checkpoint are all made from the dataclasses below.
A setting of the model or the training belongs to the checkpoint; where to read and write, and how
to run, does not.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any


def flag(
    default: Any,
    reason: str,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    metavar: str | None = None,
) -> Any:
    """A dataclass field that is also a command-line flag.

    Args:
        default: value when the flag is not typed; its type comes from the annotation.
        reason: one line for ``--help`` and the README.
        choices: the only values allowed, for strings.
        low: least value allowed.
        high: greatest value allowed.
        above: value that must be exceeded.
        metavar: what ``--help`` calls the value; a word for its type when None.
    """
    return field(
        default=default,
        metadata={
            "reason": reason,
            "choices": choices,
            "low": low,
            "high": high,
            "above": above,
            "metavar": metavar,
        },
    )


@dataclass(frozen=True)
class DataConfig:
    """What is read and how it is split."""

    data_dir: str = flag(
        "data/ml-25m",
        "folder with ratings.csv and movies.csv, or a release as GroupLens ships it",
        metavar="FOLDER",
    )
    schema: str | None = flag(
        None,
        "JSON that says how to read other data (default: schema.json in --data_dir, if there is one)",
        metavar="FILE",
    )
    split: str = flag(
        "leave_one_out",
        "what is held out: each user's last two films, the last 30 % in time, or nothing",
        choices=("leave_one_out", "temporal", "none"),
    )
    min_rating: float = flag(0.0, "ratings below this many stars are ignored everywhere", low=0)


@dataclass(frozen=True)
class ModelConfig:
    """The graph's features, the walks and the network."""

    spectral_dim: int = flag(
        64, "singular vectors of the training graph among a film's features", low=0, high=1024
    )
    num_layers: int = flag(1, "CONVOLVE layers (the paper's K)", low=1, high=8)
    num_neighbors: int | tuple[int, ...] = flag(
        20, "neighbours a film keeps (the paper's T); one number, or one a layer: 20,10", low=1, high=1000
    )
    num_walks: int = flag(200, "random walks a film starts", low=1, high=100_000)
    walk_length: int = flag(2, "longest walk, in film-to-film hops", low=1, high=100)
    restart_probability: float = flag(0.5, "chance that a walk ends after each hop", low=0, high=1)
    aggregator: str = flag("importance", "how neighbours are pooled", choices=("importance", "mean", "max"))
    head: str = flag(
        "mixed",
        "one vector for film as query and candidate (the paper's shared), two (directed), or half each",
        choices=("shared", "directed", "mixed"),
    )
    hidden_dim: int = flag(128, "width of the layers (the paper's m)", low=1, high=8192)
    embedding_dim: int = flag(256, "length of an embedding (the paper's d)", low=2, high=8192)

    @property
    def layer_neighbors(self) -> tuple[int, ...]:
        """Neighbours that each layer pools, first layer first."""
        counts = self.num_neighbors
        return counts if isinstance(counts, tuple) else (counts,) * self.num_layers

    @property
    def most_neighbors(self) -> int:
        """Width of the neighbour table."""
        return max(self.layer_neighbors)


@dataclass(frozen=True)
class TrainingConfig:
    """The pairs, the loss and the schedule."""

    preset: str = flag("default", "starting point for the other settings", choices=("default", "paper"))
    epochs: int = flag(15, "passes over the pairs", low=1)
    batch_size: int = flag(8192, "pairs a step", low=1)
    lr: float = flag(0.003, "peak learning rate of Adam", above=0, high=1000)
    lr_decay: float = flag(
        0.85, "factor on the learning rate each epoch after the first (warm-up) one", above=0, high=1
    )
    weight_decay: float = flag(0.0, "decoupled weight decay", low=0)
    clip_norm: float = flag(1.0, "largest norm of a step's gradient", above=0)
    loss: str = flag(
        "softmax", "sampled softmax, or the paper's max-margin", choices=("softmax", "max_margin")
    )
    temperature: float = flag(0.1, "softmax temperature on cosines", above=0)
    precision: str = flag(
        "float32",
        "of softmax scores against shared negatives; bfloat16 is faster where the processor has it",
        choices=("float32", "bfloat16"),
    )
    margin: float = flag(0.1, "max-margin's margin on cosines (the paper gives none)", low=0)
    num_negatives: int = flag(2048, "random negatives shared by a batch; at most the catalogue", low=1)
    popular_negatives: float = flag(
        0.5,
        "share of the random negatives' chances that goes by popularity; the rest is equal",
        low=0,
        high=0.9,
    )
    max_hard_negatives: int = flag(
        0, "end of the curriculum min(epoch, N), epochs from 0; the paper's is 6", low=0, high=6
    )
    pair_window: int = flag(
        3, "a pair joins two training films at most this far apart in a user's order", low=1, high=100
    )
    pair_order: str = flag(
        "both",
        "the earlier film is the query, or each film of a pair in turn",
        choices=("forward", "both"),
    )
    shadow_share: float = flag(
        0.15, "share of a batch's films that it knows by a few ratings or none, as if new", low=0, high=1
    )
    pairs_per_epoch: int = flag(
        0,
        "pairs drawn for an epoch where there are more; 0 is a million, or 64 a film if that is more",
        low=0,
    )
    patience: int = flag(
        5, "epochs without a better validation MRR, averaged over three, before stopping", low=1
    )
    eval_queries: int = flag(20_000, "questions sampled for an evaluation where there are more", low=1)


@dataclass(frozen=True)
class SearchConfig:
    """How the nearest embeddings are found."""

    search_method: str = flag("exact", "index that answers", choices=("exact", "lsh", "ivf"))
    lsh_bits: int = flag(256, "bits of an LSH signature", low=1, high=8192)
    lsh_tables: int = flag(16, "tables the signature is cut into; must divide the bits", low=1)
    ivf_partitions: int = flag(100, "partitions of the inverted file", low=1)
    ivf_factor: int = flag(10, "candidates of the first level, as a multiple of the results wanted", low=1)
    target_recall: float | None = flag(
        None, "recall@10 wanted of lsh or ivf: query parameters are tuned for it on a sample", above=0, high=1
    )


@dataclass(frozen=True)
class InferenceConfig:
    """What is asked of a trained model."""

    movie_id: str = flag("1", "id of the film to start from", metavar="ID")
    title: str | None = flag(None, "title (or part of one, typos allowed) instead of an id")
    movie_ids: str | None = flag(
        None, "file of ids, one a line (- for stdin), to ask about each of them", metavar="FILE"
    )
    history: str | None = flag(
        None, "films that someone has seen, oldest first: ids 1:5,50,260 or titles 'Toy Story=5; Heat'"
    )
    user_id: str | None = flag(
        None, "id of a user in --data_dir, to recommend for by all that user's ratings", metavar="ID"
    )
    new_movie: str | None = flag(
        None, "JSON file of a film unseen in training, to start from", metavar="FILE"
    )
    add: bool = flag(False, "keep the film of --new_movie, so that other films can lead to it")
    num_recommendations: int = flag(10, "films to recommend", low=1)
    explain: bool = flag(False, "show which neighbours formed the film and which tie the others to it")
    format: str = flag(
        "table", "aligned tables for people, or JSON or CSV for programs", choices=("table", "json", "csv")
    )


@dataclass(frozen=True)
class BenchmarkConfig:
    """How often a comparison is repeated."""

    num_seeds: int = flag(
        3, "seeds a comparison averages over: --seed and the ones after it", low=1, high=100
    )


@dataclass(frozen=True)
class ServeConfig:
    """Where the web page of --mode serve is."""

    host: str = flag("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int = flag(8000, "port to listen on; 0 takes a free one", low=0, high=65535)


@dataclass(frozen=True)
class DownloadConfig:
    """Where a dataset comes from."""

    dataset: str = flag(
        "ml-100k",
        "which dataset",
        choices=(
            "ml-100k", "ml-latest-small", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "synthetic",
        ),
    )  # fmt: skip
    archive: str | None = flag(
        None, "a release's zip that you already have, instead of the network", metavar="FILE"
    )
    scale: str = flag("100k", "size of the synthetic data", choices=("small", "100k", "1m", "10m", "25m"))


@dataclass(frozen=True)
class RunConfig:
    """Where and how to run; never part of what a model is."""

    seed: int = flag(0, "the one seed behind every random choice", low=0, high=2**31 - 1)
    device: str = flag(
        "auto", "auto is cuda where there is one, else cpu", choices=("auto", "cpu", "cuda", "mps")
    )
    num_threads: int | None = flag(None, "CPU threads (default: all cores)", low=1, high=1024)
    checkpoint_dir: str = flag("checkpoints", "where best.pt and last.pt lie", metavar="FOLDER")
    output_dir: str = flag("output", "where metrics, tables and pictures go", metavar="FOLDER")
    resume: bool = flag(False, "continue from last.pt instead of starting anew")
    extend: str | None = flag(
        None, "checkpoint to go on from with newer data: new films and users join it", metavar="FILE"
    )
    verbose: bool = flag(False, "more log lines, and tracebacks on errors")
    quiet: bool = flag(False, "results and errors only, no progress")


PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # What the paper states (sections 3.2-3.3 and 4.1); what it leaves open keeps our defaults.
    "paper": {
        "spectral_dim": 0,
        "num_layers": 2,
        "num_neighbors": 50,
        "head": "shared",
        "shadow_share": 0.0,
        "loss": "max_margin",
        "num_negatives": 500,
        "popular_negatives": 0.0,
        "max_hard_negatives": 6,
        "pair_window": 1,
        "pair_order": "forward",
        "batch_size": 2048,
        "lr": 0.003,  # not the paper's, which gives none: our rate for batches of this size
        "hidden_dim": 2048,
        "embedding_dim": 1024,
    },
}


@dataclass(frozen=True)
class Config:
    """All settings of one command."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    benchmark: BenchmarkConfig = field(default_factory=BenchmarkConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    download: DownloadConfig = field(default_factory=DownloadConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def override(self, values: dict[str, Any]) -> "Config":
        """A copy with the named settings replaced, whichever section each stands in."""
        sections = {
            section.name: replace(
                getattr(self, section.name),
                **{f.name: values[f.name] for f in fields(getattr(self, section.name)) if f.name in values},
            )
            for section in fields(self)
        }
        return replace(self, **sections)

    def model_settings(self) -> dict[str, Any]:
        """The settings that a checkpoint stores, since they make the model what it is."""
        stored = asdict(self.data) | asdict(self.model) | asdict(self.training) | {"seed": self.run.seed}
        del stored["data_dir"], stored["schema"]  # the fingerprint of the data says what was read
        return stored
