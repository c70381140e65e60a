"""The different texts of a column, numbered in the order in which they were found."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from data.reading.tables import as_texts


class Vocabulary:
    """The texts of a column of ids and their numbers.

    Args:
        placeholders: texts that stand for no id.

    Attributes:
        texts: by number.
    """

    def __init__(self, placeholders: Iterable[str] = ()) -> None:
        self._no_ids = frozenset(text.strip() for text in placeholders) | {""}
        self.texts: list[str] = []
        self._number: dict[str, int] = {}
        self._spellings: Any = None  # pyarrow strings as the file has them, and int32, their numbers
        self._numbers = np.empty(0, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, texts: Sequence[str]) -> np.ndarray:
        """The numbers of texts, int32 ``[n]``; new texts get the next numbers."""
        number = self._number
        numbers = np.array([number.setdefault(text, len(number)) for text in texts], dtype=np.int32)
        self.texts.extend(list(number)[len(self.texts) :])
        return numbers

    def add_array(self, array: Any) -> np.ndarray | None:
        """The numbers of the values of a pyarrow array, outer spaces aside.

        Returns:
            int32 ``[n]``; None if a value is missing, stands for no id or has a line break.
        """
        import pyarrow
        from pyarrow import compute

        encoded = array if pyarrow.types.is_dictionary(array.type) else array.dictionary_encode()
        if encoded.indices.null_count:
            return None
        spelled = encoded.dictionary
        if self._spellings is None or spelled.type != self._spellings.type:
            self._spellings, self._numbers = spelled.slice(0, 0), self._numbers[:0]
        place = compute.index_in(spelled, self._spellings).fill_null(-1).to_numpy()
        numbers = np.append(self._numbers, np.int32(-1))[place]
        unknown = np.flatnonzero(place < 0)
        if len(unknown):
            new = spelled.take(pyarrow.array(unknown))
            texts = [text.strip() for text in as_texts(new)]
            if any(text in self._no_ids or "\n" in text or "\r" in text for text in texts):
                return None
            numbers[unknown] = self.add(texts)
            self._spellings = pyarrow.concat_arrays([self._spellings, new])
            self._numbers = np.append(self._numbers, numbers[unknown])
        return numbers[encoded.indices.to_numpy()]
