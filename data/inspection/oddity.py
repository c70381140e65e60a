"""An oddity, which is something in the figures that looks wrong, and words for sentences about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data.inspection.figures import Figures
from data.inspection.findings import Finding

MAX_EXAMPLE = 60  # characters of an example in a sentence


@dataclass(frozen=True)
class Oddity:
    """Something that looks wrong.

    Attributes:
        name: of the rule.
        text: what is odd, with its figures.
        advice: what to do.
    """

    name: str
    text: str
    advice: str


Rule = Callable[[Figures], Iterator[Oddity]]


def if_any(name: str, text: Callable[[Finding], str], advice: str, release: str | None = None) -> Rule:
    """The rule that a finding is odd as soon as it counts something.

    Args:
        name: of the finding and of the oddity.
        text: what is odd.
        advice: what to do.
        release: what to do in a MovieLens folder, if it differs.
    """

    def rule(figures: Figures) -> Iterator[Oddity]:
        found = figures.finding(name)
        if found.count:
            yield Oddity(name, text(found), advice if figures.own or release is None else release)

    return rule


def item_word(figures: Figures) -> str:
    """``items`` for data of one's own, ``films`` for MovieLens."""
    return "items" if figures.own else "films"


def percent(finding: Finding) -> str:
    """A share for people: ``12 %``, ``0.3 %``, ``under 0.1 %``."""
    share = 100 * finding.share
    if 0 < share < 0.1:
        return "under 0.1 %"
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.1f} %"


def shown_examples(finding: Finding) -> str:
    """The examples for people, long ones cut: ``550.0, 551.0, 552.0``."""
    plain = (" ".join(str(one).split()) for one in finding.examples)
    texts = [text if len(text) <= MAX_EXAMPLE else text[: MAX_EXAMPLE - 1] + "…" for text in plain]
    return ("; " if any("," in text for text in texts) else ", ").join(texts)


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 text``, ``1,200 texts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
