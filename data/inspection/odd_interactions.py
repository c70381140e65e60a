"""What looks wrong in the interactions: rows that are lost or doubled, ratings, times and their order."""

from collections.abc import Iterator

from data.inspection.figures import Figures
from data.inspection.oddity import Oddity, if_any, item_word, percent, shown_examples

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


def dropped_rows(figures: Figures) -> Iterator[Oddity]:
    """Rows whose items are not in the catalogue."""
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


def equal_rows(figures: Figures) -> Iterator[Oddity]:
    """Rows that equal others."""
    equal = figures.finding("equal_rows")
    if equal.count > MAX_EQUAL_ROWS * figures.rows:
        yield Oddity(
            "equal_rows",
            f"{equal.count:,} of {figures.rows:,} rows equal another row in every column; each counts once",
            "check whether the file was joined or written twice",
        )


quoted_ids = if_any(
    "quoted_ids",
    lambda quoted: f"the quotes around ids are taken for a part of them: {shown_examples(quoted)}",
    "set `quotes` in schema.json to true, and name columns without quotes",
)


def scale_of_ratings(figures: Figures) -> Iterator[Oddity]:
    """Ratings that are all equal, or do not fill their scale."""
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


def ties_of_times(figures: Figures) -> Iterator[Oddity]:
    """Times that say little about the order."""
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


def order_of_rows(figures: Figures) -> Iterator[Oddity]:
    """Rows in an order that is not one of time."""
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


def busiest_user(figures: Figures) -> Iterator[Oddity]:
    """A user with a large part of the data."""
    busiest = figures.busiest_user
    if busiest.share > max(MAX_SHARE_OF_USER, TIMES_MEAN / figures.users):
        yield Oddity(
            "one_user",
            f"user {busiest.examples[0]!r} has {busiest.count:,} interactions, {percent(busiest)} of all",
            "remove its rows if it is no person, such as a till, a test or an empty id",
        )
