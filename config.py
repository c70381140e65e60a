"""All settings: name, type, default, range and reason of each.

Parsers, ``--help``, the table of flags in the documents and the checkpoint are made from these dataclasses.
The checkpoint stores the settings of the model and the training; it does not store where files are and how a
command runs. A section checks its values when it is created, so its values are always valid.
"""

from collections.abc import Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from sys import float_info
from typing import Any, get_args

# The keys of three registries. `config` cannot import them; a test checks that the names are equal.
AGGREGATORS = ["importance", "mean", "max"]  # model/aggregators.py
HEADS = ["shared", "directed", "mixed"]  # model/heads.py
LOSSES = ["softmax", "max_margin"]  # model/loss.py
VECTOR_FORMS = ("float32", "float16", "int8")  # search/vectors.py
LAST, BEST = "last.pt", "best.pt"  # the files of a training
STORES = ("faiss", "lancedb", "onnx", "pgvector", "qdrant", "usearch")  # recommend/stores/registry.py


def flag(
    default: Any,
    reason: str,
    *,
    choices: Sequence[str] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    metavar: str | None = None,
) -> Any:
    """A dataclass field that is also a command-line flag. The annotation gives the type.

    Args:
        default: the value if the flag is not typed.
        reason: one line for ``--help`` and the documents.
        choices: the allowed values, for strings.
        low: the minimum.
        high: the maximum.
        above: the value must be greater than this.
        metavar: the name of the value in ``--help``; None gives a word for the type.
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


def rule_of(setting: Field) -> str:
    """The rule for a value, for error messages: ``a whole number at least 1``."""
    if choices := setting.metadata["choices"]:
        return f"one of {', '.join(choices)}"
    noun = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[kind_of(setting)]
    bounds = [
        f"{word} {setting.metadata[name]:g}"
        for word, name in (("above", "above"), ("at least", "low"), ("at most", "high"))
        if setting.metadata[name] is not None
    ]
    return f"{noun} {' and '.join(bounds)}".strip()


def kind_of(setting: Field) -> type:
    """The type of one value: ``int``, ``float``, ``str`` or ``bool``."""
    return next(kind for kind in (get_args(setting.type) or (setting.type,)) if isinstance(kind, type))


def takes_tuple(setting: Field) -> bool:
    """Whether the setting may also be one value per layer."""
    return tuple[int, ...] in get_args(setting.type)


def fits(setting: Field, value: Any) -> bool:
    """Whether a single value has the type of the setting and is in its range."""
    rule, kind = setting.metadata, kind_of(setting)
    if type(value) not in ((int, float) if kind is float else (kind,)):
        return False
    if rule["choices"]:
        return value in rule["choices"]
    return kind in (str, bool) or (
        abs(value) <= float_info.max  # also false for NaN
        and (rule["low"] is None or value >= rule["low"])
        and (rule["high"] is None or value <= rule["high"])
        and (rule["above"] is None or value > rule["above"])
    )


def check_setting(setting: Field, value: Any) -> None:
    """Check a value of a setting.

    Raises:
        ValueError: the value is not allowed; the text gives the name in backticks, the rule and the value.
    """
    if value is None and setting.default is None:
        return
    per_layer = isinstance(value, tuple) and takes_tuple(setting)
    values = value if per_layer and value else (value,)
    if not all(fits(setting, one) for one in values):
        raise ValueError(f"`{setting.name}` must be {rule_of(setting)}, got {value!r}")


class Section:
    """A group of settings that checks its values when it is created."""

    def __post_init__(self) -> None:
        for setting in fields(self):  # type: ignore[arg-type]
            check_setting(setting, getattr(self, setting.name))


@dataclass(frozen=True)
class DataConfig(Section):
    """Which data are read and how they are split."""

    data_dir: str = flag(
        "data/ml-25m",
        "folder with ratings.csv and movies.csv, or with the files of a MovieLens release",
        metavar="FOLDER",
    )
    schema: str | None = flag(
        None,
        "JSON file that describes how to read other data (default: schema.json in --data_dir, if it exists)",
        metavar="FILE",
    )
    split: str = flag(
        "leave_one_out",
        "what is held out: each user's last two films, each user's last 30 %, or nothing",
        choices=("leave_one_out", "temporal", "none"),
    )
    min_rating: float = flag(
        0.0, "ratings below this one, on the data's own scale, are ignored everywhere", low=0
    )
    weighted_walks: str = flag(
        "data",
        "weights of the graph's edges in walks, features and pairs: those of the data, the stars, or none",
        choices=("data", "rating", "none"),
    )


@dataclass(frozen=True)
class ModelConfig(Section):
    """The graph's features, the walks and the network."""

    spectral_dim: int = flag(
        256, "number of singular vectors of the training graph in a film's features", low=0, high=1024
    )
    num_layers: int = flag(1, "number of convolution layers (the paper's K)", low=1, high=8)
    num_neighbors: int | tuple[int, ...] = flag(
        20,
        "neighbours per film (the paper's T); one number, or one number per layer: 20,10",
        low=1,
        high=1000,
    )
    num_walks: int = flag(200, "random walks per film", low=1, high=100_000)
    walk_length: int = flag(2, "maximum length of a walk, in hops from film to film", low=1, high=100)
    restart_probability: float = flag(0.5, "chance that a walk ends after each hop", low=0, high=1)
    aggregator: str = flag("importance", "how neighbours are pooled", choices=AGGREGATORS)
    head: str = flag(
        "mixed",
        "shared: one vector per film, as in the paper; directed: a second one as query; mixed: half each",
        choices=HEADS,
    )
    hidden_dim: int = flag(256, "width of the layers (the paper's m)", low=1, high=8192)
    embedding_dim: int = flag(
        256, "length of the learned part of an embedding (the paper's d)", low=2, high=8192
    )
    graph_view: float = flag(
        0.06,
        "weight in the score of who rated both films, of which validation may leave a part; 0 leaves it out",
        low=0,
        high=10,
    )
    content_view: float = flag(
        0.05, "weight in the score of genres, year, tags and content; 0 leaves it out", low=0, high=10
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.layer_neighbors) != self.num_layers:
            raise ValueError(
                f"`num_neighbors` {','.join(map(str, self.layer_neighbors))} does not fit "
                f"`num_layers` {self.num_layers}; give one number, or one number per layer"
            )
        if self.head == "mixed" and self.embedding_dim % 2:
            raise ValueError(
                f"`embedding_dim` {self.embedding_dim} must be even, since `head` mixed halves it; "
                "use an even number or another `head`"
            )

    @property
    def layer_neighbors(self) -> tuple[int, ...]:
        """The number of neighbours that each layer pools, first layer first."""
        counts = self.num_neighbors
        return counts if isinstance(counts, tuple) else (counts,) * self.num_layers

    @property
    def has_views(self) -> bool:
        """Whether anything is added to the learned score."""
        return self.graph_view > 0 or self.content_view > 0

    @property
    def max_neighbors(self) -> int:
        """The width of the neighbour table."""
        return max(self.layer_neighbors)


@dataclass(frozen=True)
class TrainingConfig(Section):
    """The pairs, the loss and the schedule."""

    preset: str = flag(
        "default",
        "settings to start from: default, paper, or a JSON file, such as the one of --mode tune",
        metavar="NAME|FILE",
    )
    epochs: int = flag(6, "passes over the pairs", low=1)
    batch_size: int = flag(8192, "pairs per training step", low=1)
    lr: float = flag(0.003, "peak learning rate of Adam", above=0, high=1000)
    lr_schedule: str = flag(
        "linear",
        "how the learning rate falls after the first epoch, the warm-up: to 0 at the end, or by --lr_decay",
        choices=("linear", "exponential"),
    )
    lr_decay: float = flag(
        0.85, "factor on the learning rate after each epoch, if --lr_schedule is exponential", above=0, high=1
    )
    weight_decay: float = flag(0.0, "decoupled weight decay", low=0)
    clip_norm: float = flag(1.0, "maximum norm of the gradient", above=0)
    loss: str = flag("softmax", "sampled softmax, or the max-margin loss of the paper", choices=LOSSES)
    temperature: float = flag(0.1, "temperature of the softmax loss", above=0)
    precision: str = flag(
        "float32",
        "number format of the scores in the softmax loss; bfloat16 is faster on processors that support it",
        choices=("float32", "bfloat16"),
    )
    margin: float = flag(0.1, "margin of the max-margin loss (the paper gives no value)", low=0)
    num_negatives: int = flag(
        0,
        "random negatives that a batch shares; 0 means a quarter of --batch_size, from 128 to 2048",
        low=0,
    )
    popular_negatives: float = flag(
        0.5,
        "share of the random negatives that is drawn by popularity; the rest is drawn uniformly",
        low=0,
        high=0.9,
    )
    max_hard_negatives: int = flag(
        0,
        "hard negatives per pair: min(epoch, N), with epochs counted from 0; the paper has 6",
        low=0,
        high=6,
    )
    pair_window: int = flag(
        3, "maximum distance of the two films of a pair in a user's history", low=1, high=100
    )
    pair_order: str = flag(
        "both",
        "which film of a pair is the query: the earlier one (forward), or each in turn (both)",
        choices=("forward", "both"),
    )
    shadow_share: float = flag(
        0.15,
        "share of the films in a batch that are shown as new films, with few ratings or none",
        low=0,
        high=1,
    )
    masked_share: float = flag(
        0.1,
        "share of the films shown as new ones for which vectors, text or another column are masked",
        low=0,
        high=1,
    )
    pairs_per_epoch: int = flag(
        0,
        "maximum number of pairs per epoch; 0 means one million, or 160 per film if that is more",
        low=0,
    )
    patience: int = flag(
        5,
        "stop after so many epochs with a lower validation MRR (mean of three epochs, beyond its error)",
        low=1,
    )
    eval_queries: int = flag(20_000, "maximum number of questions in an evaluation; more are sampled", low=1)

    @property
    def negatives_per_batch(self) -> int:
        """Random negatives of a batch. In a small batch, 2048 of them would take nearly all of its time."""
        return self.num_negatives or min(2048, max(128, self.batch_size // 4))


@dataclass(frozen=True)
class SearchConfig(Section):
    """How the nearest embeddings are found."""

    search_method: str = flag("exact", "index that finds the nearest films", choices=("exact", "lsh", "ivf"))
    lsh_bits: int = flag(256, "bits of an LSH signature", low=1, high=8192)
    lsh_tables: int = flag(16, "hash tables; must divide --lsh_bits", low=1)
    ivf_partitions: int = flag(100, "partitions of the inverted file", low=1)
    ivf_factor: int = flag(10, "candidates of the first level, as a multiple of the number of results", low=1)
    target_recall: float | None = flag(
        None,
        "tune the query parameters of lsh or ivf on a sample until recall@10 reaches this value",
        above=0,
        high=1,
    )

    vectors: str = flag(
        "float32",
        "how the index stores vectors: float16 takes half the memory, int8 a quarter",
        choices=VECTOR_FORMS,
    )
    verify: bool = flag(False, "compare the whole file of the index with its digest when it is opened")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.search_method == "lsh" and self.lsh_bits % self.lsh_tables:
            raise ValueError(
                f"`lsh_tables` {self.lsh_tables} must divide `lsh_bits` {self.lsh_bits}; "
                "change one of them, for instance to 16 and 256"
            )

    @property
    def needs_file(self) -> bool:
        """Whether the index is more than the float32 embeddings themselves."""
        return self.search_method != "exact" or self.vectors != "float32"


@dataclass(frozen=True)
class InferenceConfig(Section):
    """What the model recommends, and for whom or what."""

    movie_id: str = flag("1", "id of the film to start from", metavar="ID")
    title: str | None = flag(
        None, "title instead of an id; a part of it is enough, and typing errors are allowed"
    )
    movie_ids: str | None = flag(
        None, "file with one id per line (- for stdin); recommends for each of them", metavar="FILE"
    )
    history: str | None = flag(
        None, "films that a person has seen, oldest first: ids 1:5,50,260 or titles 'Toy Story=5; Heat'"
    )
    user_id: str | None = flag(
        None, "id of a user in --data_dir; recommends by all ratings of that user", metavar="ID"
    )
    new_movie: str | None = flag(
        None, "JSON file that describes a new film; recommends films that go with it", metavar="FILE"
    )
    add: bool = flag(False, "keep the film of --new_movie, so that it can be recommended too")
    recommend_for: str = flag(
        "items",
        "whom to recommend for: every film, or every user",
        choices=("items", "users"),
    )
    num_recommendations: int = flag(10, "number of films to recommend", low=1)
    popularity: float = flag(
        0.0, "from surprising films (below 0) to well-known ones (above 0)", low=-1, high=1
    )
    diversity: float = flag(
        0.0, "from the best films (0) to films that are unlike each other (1)", low=0, high=1
    )
    where: str | None = flag(
        None,
        'condition on the films: "year >= 1990 and genre in (Comedy, Drama) and not id in @seen.txt"',
        metavar="CONDITION",
    )
    explain: bool = flag(
        False, "show the neighbours of the film, and which of them the recommended films share"
    )
    format: str = flag(
        "table",
        "table for people; json or csv for programs",
        choices=("table", "json", "csv", "jsonl", "parquet"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.add and self.new_movie is None:
            raise ValueError("`add` keeps the film of `new_movie`; give its JSON file there too")
        if self.explain and self.format != "table":
            raise ValueError(f"`explain` prints text for people, `format` {self.format} does not; drop one")


@dataclass(frozen=True)
class BenchmarkConfig(Section):
    """How often a comparison is repeated."""

    num_seeds: int = flag(3, "number of seeds in a comparison: --seed and the ones after it", low=1, high=100)


@dataclass(frozen=True)
class TuneConfig(Section):
    """How long better settings are looked for."""

    trials: int = flag(
        40, "number of trainings with other settings; those of an interrupted run count", low=1, high=10_000
    )


@dataclass(frozen=True)
class WatchConfig(Section):
    """How a training can be watched."""

    tensorboard: bool = flag(False, "write what TensorBoard shows to --output_dir/tensorboard")


@dataclass(frozen=True)
class ServeConfig(Section):
    """Where and how --mode serve answers."""

    host: str = flag("127.0.0.1", "address to listen on; 0.0.0.0 allows other machines to connect")
    port: int = flag(8000, "port to listen on; 0 chooses a free port", low=0, high=65535)
    compare_dir: str | None = flag(
        None, "folder with a second best.pt; the page shows both models side by side", metavar="FOLDER"
    )
    max_in_flight: int = flag(
        256, "requests that a process answers at a time; more are refused with 503 and Retry-After", low=1
    )
    access_log: bool = flag(False, "print a line of JSON for each answer; --verbose prints it, too")


@dataclass(frozen=True)
class ExportConfig(Section):
    """Which program the embeddings are written for."""

    to: str | None = flag(
        None,
        f"stores to write files for, separated by commas: {', '.join(STORES)} "
        "(default: .npy, CSV and Parquet)",
        metavar="NAMES",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for store in self.stores:
            if store not in STORES:
                raise ValueError(f"`to` must be one of {', '.join(STORES)}, got {store!r}")

    @property
    def stores(self) -> tuple[str, ...]:
        """The names in ``to``, each once."""
        return () if self.to is None else tuple(dict.fromkeys(map(str.strip, self.to.split(","))))


@dataclass(frozen=True)
class BlocksConfig(Section):
    """Work on data that are larger than one process, block by block."""

    work_dir: str = flag(
        "work", "folder of the blocks; an interrupted run continues from what is there", metavar="FOLDER"
    )
    workers: int | None = flag(
        None, "number of processes that make blocks (default: all cores)", low=1, high=1024
    )
    engine: str = flag(
        "local",
        "where the blocks are made: in processes of this machine, or on a Ray cluster",
        choices=("local", "ray"),
    )
    ray_address: str | None = flag(
        None, "address of the Ray cluster, for --engine ray (default: Ray starts one here)", metavar="ADDRESS"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ray_address is not None and self.engine != "ray":
            raise ValueError(f"`ray_address` {self.ray_address} needs `engine` ray, got {self.engine}")


@dataclass(frozen=True)
class DownloadConfig(Section):
    """Which dataset to prepare, and from where."""

    dataset: str = flag(
        "ml-100k",
        "name of the dataset",
        choices=(
            "ml-100k", "ml-latest-small", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "synthetic",
        ),
    )  # fmt: skip
    archive: str | None = flag(
        None, "zip file of the release that you already have; nothing is downloaded", metavar="FILE"
    )
    scale: str = flag(
        "100k", "size of the synthetic data", choices=("small", "100k", "1m", "10m", "25m", "250m", "1b")
    )


@dataclass(frozen=True)
class RunConfig(Section):
    """How to run, and where to write. Only the seed belongs to the model."""

    seed: int = flag(0, "seed of every random choice", low=0, high=2**31 - 1)
    device: str = flag(
        "auto",
        "device to compute on; auto means cuda if there is a GPU, else cpu",
        choices=("auto", "cpu", "cuda", "mps"),
    )
    num_threads: int | None = flag(None, "CPU threads (default: all cores)", low=1, high=1024)
    checkpoint_dir: str = flag("checkpoints", "folder of best.pt and last.pt", metavar="FOLDER")
    output_dir: str = flag("output", "folder for metrics, tables and pictures", metavar="FOLDER")
    resume: bool = flag(False, "continue the training from last.pt")
    extend: str | None = flag(
        None,
        "checkpoint to continue from with newer data, which may contain new films and users",
        metavar="FILE",
    )
    verbose: bool = flag(False, "show more log lines, and tracebacks of errors")
    quiet: bool = flag(False, "show only results and errors")


FROM_FILE = "file"  # what a checkpoint stores as its preset: the values count, not where the file was
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # The settings of the paper (sections 3.2-3.3 and 4.1). Those that it does not state keep our defaults.
    "paper": {
        "spectral_dim": 0,
        "num_layers": 2,
        "num_neighbors": 50,
        "head": "shared",
        "graph_view": 0.0,
        "content_view": 0.0,
        "shadow_share": 0.0,
        "loss": "max_margin",
        "num_negatives": 500,
        "popular_negatives": 0.0,
        "max_hard_negatives": 6,
        "pair_window": 1,
        "pair_order": "forward",
        "batch_size": 2048,
        "epochs": 15,
        "lr_schedule": "exponential",
        "lr": 0.003,  # our rate for batches of this size; the paper does not state one
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
    tune: TuneConfig = field(default_factory=TuneConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    blocks: BlocksConfig = field(default_factory=BlocksConfig)
    download: DownloadConfig = field(default_factory=DownloadConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def override(self, values: dict[str, Any]) -> "Config":
        """A copy with other values of the named settings, in whichever section they are.

        Raises:
            ValueError: a value is not allowed, or two values do not fit together.
        """
        sections = {
            section.name: replace(
                getattr(self, section.name),
                **{f.name: values[f.name] for f in fields(getattr(self, section.name)) if f.name in values},
            )
            for section in fields(self)
        }
        return replace(self, **sections)

    def model_settings(self) -> dict[str, Any]:
        """The settings that a checkpoint stores: all of data, model and training, and the seed.

        ``data_dir`` and ``schema`` are left out, because the fingerprint of the data identifies the data.
        """
        stored = asdict(self.data) | asdict(self.model) | asdict(self.training) | {"seed": self.run.seed}
        del stored["data_dir"], stored["schema"]
        return stored
