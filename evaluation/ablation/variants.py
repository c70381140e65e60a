"""The ablation as a table: which variants are trained, and what each is compared with.

The first block is the paper's own comparison (Ying et al., KDD 2018, section 4.2): as there, only
the full method and ``mean pooling, hard`` see hard negatives, and ``mean pooling, xent`` swaps the
loss. The second varies our default model one setting at a time, the third the number of neighbours
(section 4.5).
"""

from dataclasses import dataclass, field
from typing import Any

from base.errors import UserError
from config import PRESETS, Config

Settings = dict[str, Any]

WIDTH = ("hidden_dim", "embedding_dim")
OURS: Settings = {}
# The paper's recipe at the default's width: at 2048 and 1024 a CPU would take days over the table.
PAPER: Settings = {"preset": "paper"} | {
    name: value for name, value in PRESETS["paper"].items() if name not in WIDTH
}
CURRICULUM = PRESETS["paper"]["max_hard_negatives"]


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: what the row is called; the same name means the same model.
        recipe: settings it starts from, over the defaults.
        settings: what the variant is about, over its recipe.
        trained: False for the row of content features, which no model stands behind.
    """

    name: str
    recipe: Settings = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    trained: bool = True


@dataclass(frozen=True)
class Block:
    """Rows that belong together; ``pairs`` are (variant, reference) to compare in words."""

    title: str
    variants: tuple[Variant, ...]
    pairs: tuple[tuple[str, str], ...]


OURS_AS_IT_IS = Variant("ours", OURS)
FULL_PINSAGE = Variant("full PinSage", PAPER, {"aggregator": "importance", "max_hard_negatives": CURRICULUM})

BLOCKS: tuple[Block, ...] = (
    Block(
        "the paper's table, by its recipe",
        (
            Variant("content only", trained=False),
            Variant("max pooling", PAPER, {"aggregator": "max", "max_hard_negatives": 0}),
            Variant("mean pooling", PAPER, {"aggregator": "mean", "max_hard_negatives": 0}),
            Variant(
                "mean pooling, xent",
                PAPER,
                {"aggregator": "mean", "max_hard_negatives": 0, "loss": "softmax"},
            ),
            Variant("mean pooling, hard", PAPER, {"aggregator": "mean", "max_hard_negatives": CURRICULUM}),
            Variant("importance pooling", PAPER, {"aggregator": "importance", "max_hard_negatives": 0}),
            FULL_PINSAGE,
            OURS_AS_IT_IS,
        ),
        (
            ("full PinSage", "content only"),
            ("importance pooling", "mean pooling"),
            ("full PinSage", "mean pooling, hard"),
            ("mean pooling, hard", "mean pooling"),
            ("mean pooling, xent", "mean pooling"),
            ("ours", "full PinSage"),
        ),
    ),
    Block(
        "around ours, a setting at a time",
        (
            OURS_AS_IT_IS,
            Variant("ours, mean pooling", OURS, {"aggregator": "mean"}),
            Variant("ours, max pooling", OURS, {"aggregator": "max"}),
            Variant("ours, hard negatives", OURS, {"max_hard_negatives": CURRICULUM}),
            Variant("ours, no spectral features", OURS, {"spectral_dim": 0}),
            Variant("ours, two layers", OURS, {"num_layers": 2}),
            Variant("ours, shared head", OURS, {"head": "shared"}),
            Variant("ours, directed head", OURS, {"head": "directed"}),
            Variant("ours, no shadows", OURS, {"shadow_share": 0.0}),
        ),
        (
            ("ours, mean pooling", "ours"),
            ("ours, max pooling", "ours"),
            ("ours, hard negatives", "ours"),
            ("ours, no spectral features", "ours"),
            ("ours, two layers", "ours"),
            ("ours, shared head", "ours"),
            ("ours, directed head", "ours"),
            ("ours, no shadows", "ours"),
        ),
    ),
    Block(
        "neighbours a film keeps, T",
        (
            *(Variant(f"ours, T = {t}", OURS, {"num_neighbors": t}) for t in (10, 20, 50)),
            *(
                Variant(f"full PinSage, T = {t}", PAPER, FULL_PINSAGE.settings | {"num_neighbors": t})
                for t in (10, 20, 50)
            ),
        ),
        (
            ("ours, T = 10", "ours, T = 20"),
            ("ours, T = 50", "ours, T = 20"),
            ("full PinSage, T = 10", "full PinSage, T = 50"),
        ),
    ),
)

# What the variants are about; typed, it would make two rows the same model under two names.
VARIED = frozenset(name for block in BLOCKS for v in block.variants for name in v.settings) | {"preset"}


def check_typed(typed: Settings) -> None:
    """Refuse flags that the variants are about.

    Raises:
        UserError: one was typed.
    """
    for name in sorted(VARIED & typed.keys()):
        raise UserError(
            f"--{name} is what --mode ablation varies from row to row; drop the flag, or train one model "
            "with it by --mode train"
        )


def variant_config(base: Config, variant: Variant, typed: Settings) -> Config:
    """The settings of a variant: its recipe, but what was typed, and then what it is about.

    Args:
        base: the command's settings, with what was typed.
        variant: a trained one.
        typed: the flags that were typed; none of ``VARIED``.
    """
    recipe = {name: value for name, value in variant.recipe.items() if name not in typed}
    return base.override(recipe | variant.settings)
