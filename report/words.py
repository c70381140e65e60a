"""Small pieces of sentences that several tables and headings need."""

from collections.abc import Mapping, Sequence

from data.item_words import FILMS, ItemWords


def counted(number: int, noun: str) -> str:
    """A number and its noun: ``1 seed``, ``3 seeds``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """An enumeration: ``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def number_range(numbers: Sequence[int]) -> str:
    """The least and the greatest of some numbers, or the one number where they are equal."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def sampled(number: int, available: int) -> str:
    """How many were taken: ``20`` where that is all of them, else ``20 of 664``."""
    return f"{number:,}" if number == available else f"{number:,} of {available:,}"


def few_candidates(few: Mapping[str, int], number: int, noun: str = "question") -> str:
    """The questions with few candidates, in one line for below a table.

    Args:
        few: k to how many have at most k candidates, k rising, as ``evaluation.few_candidates`` counts them.
        number: how many questions there are.
        noun: what they are called, in the singular.
    """
    parts: list[str] = []
    before = 0
    for most, count in few.items():
        if count > before:
            limit = "only 1" if most == "1" else f"at most {most}"
            subject = f"{count:,}" if parts else f"{count:,} of {counted(number, noun)}"
            have = "" if parts else " has" if count == 1 else " have"
            parts.append(
                f"{subject}{have} {limit}" + ("" if parts else f" candidate{'' if most == '1' else 's'}")
            )
        before = count
    return f"{listed(parts)}: every method finds the target within that many"


def questions_heading(
    dataset: str, split: str, questions: str, catalogue: int, words: ItemWords = FILMS
) -> str:
    """What the figures of an evaluation are about, in one line.

    Args:
        dataset: name of the data.
        split: name of the split.
        questions: what is asked, for instance ``20 of 664 test questions``.
        catalogue: number of films.
        words: what they are called.
    """
    return f"{dataset}, split {split}: {questions}; all {catalogue:,} {words.items} are candidates"
