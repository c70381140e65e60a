"""Ratings below a minimum are left out of the columns of data, with the users who have no others."""

import numpy as np

from base.errors import UserError
from data.inspection.findings import Finding
from data.rating_scale import best_rating_of, from_stars, in_words, to_stars
from data.reading.columns import Columns


def without_low_ratings(min_rating: float, columns: Columns, notes: list[str], where: str) -> Columns:
    """The columns without low ratings; users who have no others lose their row.

    Args:
        min_rating: of the data's own scale; ratings below it are dropped.
        columns: as of ``read_release`` and ``OwnData.read``.
        notes: which what was dropped is added to.
        where: what an error calls the data.

    Raises:
        UserError: no rating is left.
    """
    arrays, texts = dict(columns.arrays), dict(columns.texts)
    best_rating = best_rating_of(columns)
    kept = arrays["ratings"] >= to_stars(min_rating, best_rating)
    wanted = in_words(min_rating, best_rating)
    if not kept.any():
        highest = from_stars(float(arrays["ratings"].max()), best_rating)
        raise UserError(
            f"no user is left in {where}: none of its {len(kept)} ratings has {wanted} or more, "
            f"the highest has {highest:g}; lower `min_rating`"
        )
    if kept.all():
        return columns
    low = Finding("low_ratings", int(len(kept) - kept.sum()), len(kept))
    texts["findings"] = [*texts.get("findings", []), low.as_text()]
    notes.append(f"{len(kept) - kept.sum()} of {len(kept)} ratings below {wanted} dropped")
    for name in ("users", "movies", "ratings", "timestamps"):
        arrays[name] = arrays[name][kept]
    if "event_edges" in arrays:
        _keep_events(arrays, kept)
    _keep_users(arrays, texts, notes)
    selected = Columns(arrays, texts)
    selected.freeze()
    return selected


def _keep_events(arrays: dict[str, np.ndarray], kept: np.ndarray) -> None:
    """Keep the events of the interactions of which ``kept``, bool ``[num_interactions]``, is true."""
    kept_events = kept[arrays["event_edges"]]
    edges = np.cumsum(kept, dtype=np.int32) - 1
    arrays["event_edges"] = edges[arrays["event_edges"][kept_events]]
    arrays["event_amounts"] = arrays["event_amounts"][kept_events]
    arrays["edge_events"] = (np.cumsum(kept_events, dtype=np.int32) - 1)[arrays["edge_events"][kept]]


def _keep_users(arrays: dict[str, np.ndarray], texts: dict[str, list[str]], notes: list[str]) -> None:
    """Keep the users who have interactions, and their tags."""
    stays = np.bincount(arrays["users"], minlength=len(arrays["user_ids"])) > 0
    row = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int32)
    arrays["users"] = row[arrays["users"]]
    arrays["user_ids"] = arrays["user_ids"][stays]
    if "user_text_ids" in texts:
        texts["user_text_ids"] = [texts["user_text_ids"][user] for user in np.flatnonzero(stays)]
    if "tag_users" in arrays:
        tag_users = row[arrays["tag_users"]]
        arrays["tag_users"] = tag_users[tag_users >= 0]
        arrays["tag_movies"] = arrays["tag_movies"][tag_users >= 0]
        texts["tags"] = [text for text, user in zip(texts["tags"], tag_users, strict=True) if user >= 0]
        if dropped := len(tag_users) - len(texts["tags"]):
            notes.append(f"{dropped} tag{'' if dropped == 1 else 's'} of users without such ratings dropped")
