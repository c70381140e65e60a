"""What looks wrong in the figures of a data set, in one line each, with what to do.

None of it stops a training. A threshold has its reason beside it; it is meant to be quiet on MovieLens and on
sound data of one's own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data.inspection.figures import FEW, Figures
from data.inspection.findings import Finding
from data.inspection.texts import MIN_PLACEHOLDERS

# A log may be a little older or newer than its catalogue; ids written in two ways lose far more.
MAX_DROPPED = 0.1
# Of rows equal in every column: two clicks in a second. A file that was appended to itself has half.
MAX_EQUAL_ROWS = 0.1
# A person is not a tenth of the data. In small data one of n users may have ten times the mean share.
MAX_SHARE_OF_USER = 0.1
TIMES_MEAN = 10
# From here on, most next items are the next line of the file.
MOST = 0.5
# Ties in the order of the catalogue: in random order half of them would be, so this is no chance.
SORTED = 0.95
MIN_SORTED = 20
# The standard error of a hit rate of .2 is .04 with a hundred questions, as large as most differences.
MIN_QUESTIONS = 100
# With so few candidates a random order has a hit rate @100 of 1.
MIN_CANDIDATES = 100
# Remakes and new editions share a title: in ml-100k 2 % of the films.
MAX_EQUAL_TITLES = 0.05
# Nearly all sets have a few words with a comma inside.
MAX_JOINED_GENRES = 0.3
MIN_GENRES = 5
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


def oddities_of(figures: Figures) -> tuple[Oddity, ...]:
    """What looks wrong, the most harmful first."""
    return tuple(oddity for rule in RULES for oddity in rule(figures))


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


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _dropped(figures: Figures) -> Iterator[Oddity]:
    unknown = figures.finding("unknown_items")
    if unknown.count > MAX_DROPPED * figures.rows:
        examples = f" ({shown_examples(unknown)})" if unknown.examples else ""
        yield Oddity(
            "rows_dropped",
            f"{unknown.count:,} of {figures.rows:,} rows are left out: their {item_word(figures)} are not in "
            f"the catalogue{examples}",
            "write the ids in both files in the same way; they are compared letter by letter"
            if figures.own
            else "use the two files of one release",
        )


def _equal_rows(figures: Figures) -> Iterator[Oddity]:
    equal = figures.finding("equal_rows")
    if equal.count > MAX_EQUAL_ROWS * figures.rows:
        yield Oddity(
            "equal_rows",
            f"{equal.count:,} of {figures.rows:,} rows equal another row in every column; each counts once",
            "check whether the file was joined or written twice",
        )


def _line_breaks(figures: Figures) -> Iterator[Oddity]:
    broken = figures.finding("line_breaks")
    if broken.count:
        yield Oddity(
            "line_breaks",
            f"{_counted(broken.count, 'title')} with line breaks ({shown_examples(broken)}); a quote that is "
            "not closed swallows the lines below it",
            "close the quote in the file"
            + (", or set `escape` of the schema's items" if figures.own else ""),
        )


def _quotes(figures: Figures) -> Iterator[Oddity]:
    quoted = figures.finding("quoted_ids")
    if quoted.count:
        yield Oddity(
            "quoted_ids",
            f"the quotes around ids are taken for a part of them: {shown_examples(quoted)}",
            "set `quotes` in schema.json to true, and name columns without quotes",
        )


def _scale(figures: Figures) -> Iterator[Oddity]:
    ratings = figures.ratings
    if ratings is None:
        return
    where = "interactions.best_rating in schema.json" if figures.own else "best_rating in features.json"
    if ratings.lowest == ratings.highest:
        yield Oddity(
            "equal_ratings",
            f"all ratings are {ratings.highest:g}, so they say nothing",
            "leave interactions.rating out of schema.json"
            if figures.own
            else "change nothing if this is right; every interaction then counts the same",
        )
    elif ratings.highest > ratings.best:
        yield Oddity(
            "above_best_rating",
            f"the highest rating is {ratings.highest:g}, above the best one, {ratings.best:g}",
            f"set {where} to {ratings.highest:g}",
        )
    elif ratings.highest < ratings.best:
        nothing = "" if ratings.liked.count else ", and no rating counts as liked"
        yield Oddity(
            "best_rating_unused",
            f"the highest rating is {ratings.highest:g}, but the best one is {ratings.best:g}{nothing}",
            f"set {where} to {ratings.highest:g} if that is the best",
        )


def _times(figures: Figures) -> Iterator[Oddity]:
    times = figures.times
    if times.unit == "row":
        return
    if not times.differ:
        yield Oddity(
            "equal_times",
            f"all times are {times.first}, so the order is that of the file",
            "name the column of the times; without one, sort each user's rows from old to new",
        )
        return
    if times.missing.count:
        yield Oddity(
            "missing_times",
            f"{times.missing.count:,} interactions ({percent(times.missing)}) have a time of 0 or below, so "
            "they come first",
            "give them their time or remove them",
        )
    newest = figures.finding("newest_first")
    if newest.count and times.tied.count:
        yield Oddity(
            "newest_first",
            f"the file has its newest rows first, and {percent(times.tied)} of neighbouring interactions of "
            "one user have the same time: these stay newest first",
            "reverse the rows of the file, or give times with more digits",
        )
    if times.tied.share > MOST:
        yield Oddity(
            "tied_times",
            f"{percent(times.tied)} of neighbouring interactions of one user have the same time; their order "
            "is that of the file",
            "sort such rows from old to new; where they have no order, trust next-item figures little",
        )


def _order(figures: Figures) -> Iterator[Oddity]:
    without_times = figures.times.unit == "row"
    unused = figures.finding("unused_times")
    if unused.count:
        backwards = " and fall from row to row" if figures.finding("newest_first").count else ""
        yield Oddity(
            "unused_times",
            f"the schema names no times, but the column {shown_examples(unused)} looks like times{backwards}",
            "name it in interactions.timestamp of schema.json; the order of the file counts otherwise",
        )
        return
    newest = figures.finding("newest_years_first")
    if newest.count:
        first, last = newest.examples
        yield Oddity(
            "newest_years_first",
            f"the {item_word(figures)} at the beginning of the file are of up to {first}, those at the end "
            f"of up to {last}: it seems to have its newest rows first, and has no times",
            "name the column of the times, or sort the rows from old to new",
        )
    in_order = figures.finding("sorted_by_item")
    if in_order.total < MIN_SORTED or in_order.share < SORTED:
        return
    # Where the catalogue is the items of the rows, users who share few items have them in its order.
    if (without_times or figures.times.tied.share > MOST) and figures.interactions >= 2 * figures.items:
        which = "rows" if without_times else "rows of one time"
        yield Oddity(
            "sorted_by_item",
            f"a user's {which} are sorted by {item_word(figures)[:-1]} ({percent(in_order)}), not by time",
            "name the column of the times, or sort each user's rows from old to new",
        )


def _busiest_user(figures: Figures) -> Iterator[Oddity]:
    busiest = figures.busiest_user
    if busiest.share > max(MAX_SHARE_OF_USER, TIMES_MEAN / figures.users):
        yield Oddity(
            "one_user",
            f"user {busiest.examples[0]!r} has {busiest.count:,} interactions, {percent(busiest)} of all",
            "remove its rows if it is no person, such as a till, a test or an empty id",
        )


def _placeholders(figures: Figures) -> Iterator[Oddity]:
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


def _characters(figures: Figures) -> Iterator[Oddity]:
    broken = figures.finding("broken_characters")
    if broken.count:
        yield Oddity(
            "broken_characters",
            f"{_counted(broken.count, 'text')} seem read with a wrong encoding: {shown_examples(broken)}",
            "set items.encoding in schema.json, or mend the file"
            if figures.own
            else "mend the file; it must be UTF-8",
        )


def _genres(figures: Figures) -> Iterator[Oddity]:
    joined = figures.finding("joined_genres")
    if joined.total >= MIN_GENRES and joined.share > MAX_JOINED_GENRES:
        yield Oddity(
            "joined_genres",
            f"{joined.count:,} of {joined.total:,} genres seem to be several in one: "
            f"{shown_examples(joined)}",
            "set items.genre_separator in schema.json" if figures.own else "separate genres by |",
        )


def _titles(figures: Figures) -> Iterator[Oddity]:
    equal = figures.finding("equal_titles")
    untitled = next(one for one in figures.missing if one.name == "title")
    if untitled.count < figures.items and equal.share > MAX_EQUAL_TITLES:
        yield Oddity(
            "equal_titles",
            f"{equal.count:,} {item_word(figures)} ({percent(equal)}) share their title with another one: "
            f"{shown_examples(equal)}",
            "give one id to each thing, or titles that tell them apart",
        )


def _few_interactions(figures: Figures) -> Iterator[Oddity]:
    items, users, unused = figures.few_items, figures.few_users, figures.unused_items
    word = item_word(figures)
    if unused.share > MOST:
        yield Oddity(
            "unused_items",
            f"{unused.count:,} of {unused.total:,} {word} have no interactions: {shown_examples(unused)}",
            "compare the ids of both files; if they are right, these are found by their content alone",
        )
    elif items.share > MOST:
        yield Oddity(
            "few_interactions_of_items",
            f"{items.count:,} of {items.total:,} {word} have fewer than {FEW} interactions",
            "give what else you know about them: genres, text, numbers or vectors"
            if figures.own
            else "expect little of them: genres, year and tags place them",
        )
    if users.share > MOST:
        yield Oddity(
            "few_interactions_of_users",
            f"{users.count:,} of {users.total:,} users have fewer than {FEW} interactions; they only train",
            "give more of their history, if there is any; figures are about the other users",
        )


def _questions(figures: Figures) -> Iterator[Oddity]:
    held_out = figures.held_out
    if held_out.split == "none":
        return
    if held_out.test_questions == 0:
        yield Oddity(
            "no_test_question",
            f"the test part has {held_out.test:,} interactions but gives no question, so none is evaluated",
            "use another `split`, or more data",
        )
    elif held_out.test_questions < MIN_QUESTIONS:
        yield Oddity(
            "few_questions",
            f"the test has only {_counted(held_out.test_questions, 'question')}, so figures are rough: one "
            f"is {1 / held_out.test_questions:.3f} of a hit rate",
            "use more data, or read the intervals of the benchmark mode",
        )
    if figures.items <= MIN_CANDIDATES:
        yield Oddity(
            "few_candidates",
            f"the catalogue has only {figures.items} {item_word(figures)}, so hit_rate@100 is 1 for any "
            "method",
            "look at hit_rate@10 and the MRR",
        )


# The most harmful first: lost rows, then a wrong scale and order, then the texts of items, then size.
RULES: tuple[Rule, ...] = (
    *(_dropped, _line_breaks, _quotes, _equal_rows),
    *(_scale, _times, _order, _busiest_user),
    *(_placeholders, _characters, _genres, _titles),
    *(_few_interactions, _questions),
)
