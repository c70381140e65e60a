"""What looks wrong in the texts of items: titles, genres and values of columns."""

from collections.abc import Iterator

from data.inspection.figures import Figures
from data.inspection.oddity import Oddity, counted, if_any, item_word, percent, shown_examples
from data.inspection.texts import MIN_PLACEHOLDERS

# Remakes and new editions share a title: in ml-100k 2 % of the films.
MAX_EQUAL_TITLES = 0.05
# Nearly all sets have a few words with a comma inside.
MAX_JOINED_GENRES = 0.3
MIN_GENRES = 5
CLOSE_QUOTE = "close the quote in the file"

line_breaks = if_any(
    "line_breaks",
    lambda broken: (
        f"{counted(broken.count, 'title')} with line breaks ({shown_examples(broken)}); a quote that is not "
        "closed swallows the lines below it"
    ),
    f"{CLOSE_QUOTE}, or set `escape` of the schema's items",
    release=CLOSE_QUOTE,
)
broken_characters = if_any(
    "broken_characters",
    lambda broken: (
        f"{counted(broken.count, 'text')} seem read with a wrong encoding: {shown_examples(broken)}"
    ),
    "set items.encoding in schema.json, or mend the file",
    release="mend the file; it must be UTF-8",
)


def placeholder_values(figures: Figures) -> Iterator[Oddity]:
    """Values that stand for no value."""
    found = figures.finding("placeholders")  # the reader of own data sees more columns
    if not found.count:
        found = figures.finding("placeholder_values")
    if found.count >= MIN_PLACEHOLDERS:
        yield Oddity(
            "placeholder_values",
            f"placeholders that count as values, {found.count:,} in all: {shown_examples(found)}",
            'list them in `empty`, as in "empty": ["\\\\N"], of the items in '
            + ("schema.json" if figures.own else "features.json"),
        )


def joined_genres(figures: Figures) -> Iterator[Oddity]:
    """Genres that are several in one."""
    joined = figures.finding("joined_genres")
    if joined.total >= MIN_GENRES and joined.share > MAX_JOINED_GENRES:
        yield Oddity(
            "joined_genres",
            f"{joined.count:,} of {joined.total:,} genres seem to be several in one: "
            f"{shown_examples(joined)}",
            "set items.genre_separator in schema.json" if figures.own else "separate genres by |",
        )


def equal_titles(figures: Figures) -> Iterator[Oddity]:
    """Items that share their title."""
    equal = figures.finding("equal_titles")
    untitled = next(one for one in figures.missing if one.name == "title")
    if untitled.count < figures.items and equal.share > MAX_EQUAL_TITLES:
        yield Oddity(
            "equal_titles",
            f"{equal.count:,} {item_word(figures)} ({percent(equal)}) share their title with another one: "
            f"{shown_examples(equal)}",
            "give one id to each thing, or titles that tell them apart",
        )
