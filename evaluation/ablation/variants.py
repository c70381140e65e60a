"""The ablation as data: which variants are trained, and what each is compared with.

The first block is the paper's own comparison (Ying et al., KDD 2018, section 4.2): as there, only the full
method and ``mean pooling, hard`` see hard negatives, and ``mean pooling, xent`` has another loss. The second
block changes one setting of our default model at a time, the third the number of neighbours (section 4.5).
"""

from dataclasses import dataclass, field
from typing import Any

from base.errors import UserError
from config import PRESETS, Config

Settings = dict[str, Any]

WIDTH = ("hidden_dim", "embedding_dim")
OURS: Settings = {}
# The paper's recipe at our default width: at the paper's 2048 and 1024 a CPU would need days for the table.
PAPER: Settings = {"preset": "paper"} | {
    name: value for name, value in PRESETS["paper"].items() if name not in WIDTH
}
CURRICULUM = PRESETS["paper"]["max_hard_negatives"]


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: the row's name; the same name means the same model.
        recipe: settings that it starts from, on top of the defaults.
        settings: the settings that this variant is about, on top of its recipe.
        trained: False for the row of content features, which has no model.
    """

    name: str
    recipe: Settings = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    trained: bool = True


@dataclass(frozen=True)
class AblationBlock:
    """Rows that belong together.

    Attributes:
        title: the heading of the block, also in ``ablation.json``.
        variants: its rows.
        pairs: names of (variant, reference) whose difference is reported.
    """

    title: str
    variants: tuple[Variant, ...]
    pairs: tuple[tuple[str, str], ...]


OURS_AS_IT_IS = Variant("ours", OURS)
FULL_PINSAGE = Variant("full PinSage", PAPER, {"aggregator": "importance", "max_hard_negatives": CURRICULUM})

BLOCKS: tuple[AblationBlock, ...] = (
    AblationBlock(
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
    AblationBlock(
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
    AblationBlock(
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

NAMES = (
    "ours: our default model; xent: softmax loss; hard: with hard negatives; T: neighbours a film keeps; "
    "content only: genres and year"
)
# The settings that the variants are about: if the user set one, two rows would be the same model.
VARIED = frozenset(name for block in BLOCKS for v in block.variants for name in v.settings) | {"preset"}


def check_typed(typed: Settings) -> None:
    """Refuse settings that the variants are about.

    Raises:
        UserError: the user set one of them.
    """
    for name in sorted(VARIED & typed.keys()):
        raise UserError(
            f"`{name}` is varied by the ablation itself; leave it out, or train one model with it"
        )


def variant_config(base: Config, variant: Variant, typed: Settings) -> Config:
    """The settings of a variant: its recipe, except where the user chose otherwise, and its own settings.

    Args:
        base: the command's settings, with those that the user typed.
        variant: a trained variant.
        typed: the settings that the user typed; none of ``VARIED``.
    """
    recipe = {name: value for name, value in variant.recipe.items() if name not in typed}
    return base.override(recipe | variant.settings)
