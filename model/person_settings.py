"""How the films of a person's history are asked: settings that validation chooses after the training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonSettings:
    """What recommendations for a person depend on. The defaults are those that ml-100k chooses.

    Attributes:
        graph_factor: of the weight of the graph view. The view says what the same people took at any time,
            and a history is spread over time.
        rank_offset: of every film's ranking, rank r counts 1 / (rank_offset + r). A larger offset makes ranks
            more alike.
    """

    graph_factor: float = 5.0
    rank_offset: float = 12.0
