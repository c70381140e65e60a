"""Random conditions, and a naive evaluator: one film after the other, with None for unknown.

Use it as ``from tests.recommend.naive_conditions import conditions, naive_rows``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from data.dataset import Movies

NUMBERS, TEXTS = ("year", "price", "Stock"), ("brand", "shelf mark", "title")
SOME_TEXTS = ["Acme", "acme", "it's", 'a "b"', "and", "12", "", "x y", "@x", "é", "Film 3 (1953)"]
SOME_GENRES = ["Drama", "Comedy", "Action", "Horror", "not"]
ORDERS = ["=", "!=", "<", "<=", ">", ">="]

some_numbers = st.one_of(
    st.integers(-3, 12),
    st.integers(1948, 1972),
    st.sampled_from([2.5, -0.0, 1e300, 1e-300]),
    st.floats(-1e6, 1e6),
)


def own_columns(num: int) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Columns of own data: values or None for the naive evaluator, and the same as a model keeps them."""
    own: dict[str, list[Any]] = {
        "price": [None if row % 5 == 2 else row * 0.5 for row in range(num)],
        "brand": [(None, "Acme", "acme", "it's", 'a "b"', "12")[row % 6] for row in range(num)],
        "shelf mark": [(None, "and", "x y", "@x", "é")[row % 5] for row in range(num)],
        "Stock": [None if row % 7 == 3 else row - 4 for row in range(num)],
    }
    stored: dict[str, Any] = {
        name: ["" if one is None else str(one) for one in values] for name, values in own.items()
    }  # "Stock" is kept as text, all of it numbers
    prices = [np.nan if one is None else one for one in own["price"]]
    return own, stored | {"price": torch.tensor(prices, dtype=torch.float64)}


def _compared(columns: tuple[str, ...], ops: list[str], values: Any) -> Any:
    one = st.fixed_dictionaries(
        {"column": st.sampled_from(columns), "op": st.sampled_from(ops), "value": values}
    )
    many = st.fixed_dictionaries(
        {"column": st.sampled_from(columns), "op": st.just("in"), "value": st.lists(values, max_size=5)}
    )
    return one | many


leaves = st.one_of(
    _compared(NUMBERS, ORDERS, some_numbers),
    _compared(TEXTS, ORDERS, st.sampled_from(SOME_TEXTS)),
    _compared(("genre", "GENRES"), ORDERS[:2], st.sampled_from(SOME_GENRES)),
    _compared(("id",), ORDERS, st.integers(5, 35)),
    st.fixed_dictionaries(
        {
            "column": st.sampled_from((*NUMBERS, *TEXTS, "genre", "id")),
            "op": st.just("is"),
            "value": st.sampled_from(["known", "unknown"]),
        }
    ),
)

# Trees as JSON has them, with few levels; other tests have many.
conditions = st.recursive(
    leaves,
    lambda inside: st.one_of(
        st.builds(lambda part: {"not": part}, inside),
        st.builds(lambda parts: {"and": parts}, st.lists(inside, min_size=1, max_size=4)),
        st.builds(lambda parts: {"or": parts}, st.lists(inside, min_size=1, max_size=4)),
    ),
    max_leaves=12,
)


def naive_rows(tree: Mapping[str, Any], movies: Movies, own: Mapping[str, list[Any]]) -> list[int]:
    """The rows of the films for which a tree holds; ``own`` has None where there is no value."""
    return [row for row in range(len(movies)) if _holds(tree, movies, own, row) is True]


def _holds(tree: Mapping[str, Any], movies: Movies, own: Mapping[str, list[Any]], row: int) -> bool | None:
    if "not" in tree:
        inside = _holds(tree["not"], movies, own, row)
        return None if inside is None else not inside
    if "and" in tree:
        parts = [_holds(part, movies, own, row) for part in tree["and"]]
        return False if False in parts else None if None in parts else True
    if "or" in tree:
        parts = [_holds(part, movies, own, row) for part in tree["or"]]
        return True if True in parts else None if None in parts else False
    column, op, wanted = tree["column"], tree["op"], tree["value"]
    have = _value(column, movies, own, row)
    if op == "is":
        return (have is not None) == (wanted == "known")
    if have is None:
        return None
    if op == "in":
        return any(_compare(have, "=", one) for one in wanted)
    return _compare(have, op, wanted)


def _compare(have: Any, op: str, wanted: Any) -> bool:
    if isinstance(have, tuple):
        return (wanted in have) == (op == "=")
    return {
        "=": have == wanted,
        "!=": have != wanted,
        "<": have < wanted,
        "<=": have <= wanted,
        ">": have > wanted,
        ">=": have >= wanted,
    }[op]


def _value(column: str, movies: Movies, own: Mapping[str, list[Any]], row: int) -> Any:
    """The value of a film, None where there is none."""
    if column in own:
        return own[column][row]
    return {
        "id": int(movies.ids[row]),
        "title": movies.titles[row],
        "year": movies.year(row),
        "genre": movies.genres[row] or None,
        "GENRES": movies.genres[row] or None,
    }[column]
