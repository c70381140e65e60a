"""Names for the types of NumPy arrays in signatures, and rows of unit length."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


def unit_rows(vectors: FloatArray) -> FloatArray:
    """The rows of ``vectors`` ``[n, d]`` scaled to length one, of the same type; rows of zeros stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
