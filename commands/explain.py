"""``--explain``: below a table of films, why these."""

from collections.abc import Sequence
from dataclasses import replace

from model.checkpoint import Checkpoint
from recommend.answers import Answer
from recommend.explanation import NeighborTable
from recommend.formats import aligned, one_line, terminal_width

MOST_NEIGHBORS = 10  # neighbours listed of a film
MOST_SHARED = 3  # shared neighbours named of a pair of films


class Explainer:
    """Explains answers by the checkpoint's neighbour table.

    Args:
        checkpoint: the trained model that answered.
    """

    def __init__(self, checkpoint: Checkpoint):
        self.movies = checkpoint.movies
        self.table = NeighborTable(checkpoint.neighbors.numpy(), checkpoint.weights.numpy())

    def add_to(
        self, answer: Answer, asked: int | None, found: Sequence[int], sources: Sequence[int] = ()
    ) -> Answer:
        """The answer with its explanation.

        Args:
            answer: without one.
            asked: the film asked about; None where a person asks.
            found: rows of the recommended films.
            sources: where a person asks, the film that each of them is recommended for.
        """
        if asked is None:
            return replace(answer, explanation=self._ties(found, sources, for_person=True))
        text = self._formed(asked) + self._ties(found, [asked] * len(found), for_person=False)
        return replace(answer, explanation=text)

    def _formed(self, row: int) -> str:
        """The neighbours that formed a film's embedding."""
        neighbors = self.table.of(row)
        title = self._title(row)
        if not neighbors:
            return f"\n{title} has no neighbours: its features alone formed its embedding\n"
        shown = neighbors[:MOST_NEIGHBORS]
        rows = [[f"{n.weight:.3f}", str(self.movies.public_id(n.row)), self._title(n.row)] for n in shown]
        share = f", these {len(shown)} with {sum(n.weight for n in shown):.0%} of the weight"
        return (
            f"\nwhat formed the embedding of {title}: its own features and {len(neighbors)} neighbours"
            f"{share if len(shown) < len(neighbors) else ''}:\n\n"
            f"{aligned(['weight', 'id', 'neighbour'], rows, [True, True, False], terminal_width(), [2])}\n"
        )

    def _ties(self, found: Sequence[int], sources: Sequence[int], for_person: bool) -> str:
        """A line for each recommended film: what it has in common with the film it is recommended for."""
        heading = ["rank", "title", "direct", "overlap", "shared neighbours"]
        numeric = [True, False, True, True, False]
        rows = []
        for rank, (row, source) in enumerate(zip(found, sources, strict=True), start=1):
            tie = self.table.tie(source, row)
            shared = ", ".join(f"{self._title(n.row)} {n.weight:.3f}" for n in tie.shared[:MOST_SHARED])
            direct = f"{tie.direct:.3f}" if tie.direct else "-"
            cells = [str(rank), self._title(row), direct, f"{tie.overlap:.3f}", shared or "-"]
            if for_person:
                cells.insert(2, self._title(source))
            rows.append(cells)
        if for_person:
            heading.insert(2, "tied to")
            numeric.insert(2, False)
        texts = [column for column, is_number in enumerate(numeric) if not is_number]
        return (
            f"\nwhat ties them to {'what was seen' if for_person else 'it'} (direct: weight among its "
            "neighbours; overlap: weight that both give to the same ones; all of 1):\n\n"
            f"{aligned(heading, rows, numeric, terminal_width(), texts)}\n"
        )

    def _title(self, row: int) -> str:
        return one_line(self.movies.titles[row])
