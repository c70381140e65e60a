"""What looks wrong in the figures of a data set, in one line each, with what to do.

None of it stops a training. A threshold has its reason beside it; it is meant to be quiet on MovieLens and on
sound data of one's own.
"""

from collections.abc import Iterator

from data.inspection import odd_interactions as interactions
from data.inspection import odd_texts as texts
from data.inspection.figures import FEW, Figures
from data.inspection.oddity import Oddity, Rule, counted, item_word, shown_examples

# Of items or of users: then the typical one has few.
MOST = 0.5
# The standard error of a hit rate of .2 is .04 with a hundred questions, as large as most differences.
MIN_QUESTIONS = 100
# With so few candidates a random order has a hit rate @100 of 1.
MIN_CANDIDATES = 100


def oddities_of(figures: Figures) -> tuple[Oddity, ...]:
    """What looks wrong, the most harmful first."""
    return tuple(oddity for rule in RULES for oddity in rule(figures))


def _few_interactions(figures: Figures) -> Iterator[Oddity]:
    """Items and users with few interactions or none."""
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
    """A test that is too small."""
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
            f"the test has only {counted(held_out.test_questions, 'question')}, so figures are rough: one "
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
    *(interactions.dropped_rows, texts.line_breaks, interactions.quoted_ids, interactions.equal_rows),
    *(interactions.scale_of_ratings, interactions.ties_of_times, interactions.order_of_rows),
    *(interactions.busiest_user, texts.placeholder_values, texts.broken_characters),
    *(texts.joined_genres, texts.equal_titles, _few_interactions, _questions),
)
