"""How data were read by earlier versions, so that their checkpoints still fit the data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlierReading:
    """What a checkpoint of an earlier version took for granted about its data.

    Attributes:
        in_stars: the ratings are stars, whatever scale the data have.
        first_rows: in own data without ratings, the first row of a user and an item in the file counts, where
            the schema does not say which; today all rows count, and the first one in time gives the time.
    """

    in_stars: bool = False
    first_rows: bool = False


TODAY = EarlierReading()
