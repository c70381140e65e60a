"""Names for the types of NumPy arrays in signatures, and rows of unit length."""

import contextlib
import mmap

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


def unit_rows(vectors: FloatArray) -> FloatArray:
    """The rows of ``vectors`` ``[n, d]`` scaled to length one, of the same type; rows of zeros stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def release_mapped(array: npt.NDArray) -> None:
    """Take the pages of an array that is mapped from a file out of memory; the next access reads them again.

    Other arrays, and systems that cannot be told, are left alone.
    """
    mapped = array if isinstance(array, np.memmap) else array.base
    if isinstance(mapped, np.memmap) and isinstance(mapped.base, mmap.mmap) and mapped.mode == "r":
        with contextlib.suppress(AttributeError):  # Windows has no advice
            mapped.base.madvise(mmap.MADV_DONTNEED)
