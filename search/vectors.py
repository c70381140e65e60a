"""How an index stores its vectors: as float32, float16 or int8.

A compact vector is a scale and one code per axis: ``x = scale * codes``. The scale of a vector is its
largest value over 127, so vectors of any length keep all the digits that their form has. Queries stay
float32. int8 codes alone miss one in thirty of the ten nearest of a million. So they only choose which few
vectors are read in float16 as well, and the scores are those of float16. In an index that was read from a
file the float16 vectors stay on the disk, until they are asked for.
"""

from typing import Any, NamedTuple, Self

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from base.arrays import FloatArray, IntArray

CODE_STEPS = 127
BLOCK = 32_768  # vectors converted at a time, so that temporary arrays stay small
# Of a number with 11 binary digits, as float16 has: half a unit in the last place, and room for the scale.
HALF_ERROR = 2.0**-11 + 1e-6


class Vectors(NamedTuple):
    """Stored vectors, as compiled code reads them.

    Attributes:
        codes: ``[n, d]``: float32 values, the bits of float16 as uint16, or int8.
        scales: float32 ``[n]``; of float32 empty, which means 1.
        fine: of int8 the bits of float16 as uint16 ``[n, d]``, with the same scales; else empty ``[0, d]``.
    """

    codes: npt.NDArray[Any]
    scales: FloatArray
    fine: npt.NDArray[Any]

    @classmethod
    def encode(cls, vectors: FloatArray, form: str) -> Self:
        """Store ``vectors`` float32 ``[n, d]`` in one of ``VECTOR_FORMS``; float32 is kept without a copy."""
        count, dim = vectors.shape
        if form == "float32":
            return cls(vectors, np.zeros(0, np.float32), np.zeros((0, dim), np.float32))
        scales = np.empty(count, dtype=np.float32)
        halves = np.empty((count, dim), dtype=np.float16)
        codes = np.empty((count if form == "int8" else 0, dim), dtype=np.int8)
        for start in range(0, count, BLOCK):
            part = slice(start, start + BLOCK)
            largest = np.abs(vectors[part]).max(axis=1)
            usable = np.maximum(largest / CODE_STEPS, np.finfo(np.float32).tiny)
            scales[part] = np.where(largest > 0, usable, 1)
            scaled = vectors[part] / scales[part, None]
            halves[part] = scaled
            if form == "int8":
                codes[part] = np.rint(scaled)
        bits = halves.view(np.uint16)
        return cls(codes, scales, bits) if form == "int8" else cls(bits, scales, bits[:0])

    def decode(self, start: int = 0, stop: int | None = None) -> FloatArray:
        """Float32 ``[stop - start, d]`` of the stored vectors, of int8 the fine ones; float32 is no copy."""
        best = self.fine if len(self.fine) else self.codes
        part = slice(start, stop)
        if not self.compact:
            return best[part]
        return decoded_rows(best[part], self.scales[part])

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.codes.shape[1]

    @property
    def compact(self) -> bool:
        """Whether they are float16 or int8."""
        return self.codes.dtype != np.float32

    @property
    def relative_error(self) -> float:
        """Largest distance of a decoded vector from the given one, relative to its length."""
        return HALF_ERROR if self.compact else 0.0

    def take(self, which: npt.NDArray[Any]) -> "Vectors":
        """The vectors of the rows ``which``, or of those where it is true; a copy."""
        return Vectors(*(array[which] if len(array) else array for array in self))

    def join(self, more: "Vectors") -> "Vectors":
        """These vectors and ``more`` of the same form; a copy."""
        return Vectors(*(np.concatenate(pair) for pair in zip(self, more, strict=True)))

    def as_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays for a file, which names float16 as such."""
        if not self.compact:
            return {"embeddings": self.codes}
        return {n: a.view(np.float16) if a.dtype == np.uint16 else a for n, a in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """The vectors of a file.

        Raises:
            KeyError: an array is missing.
        """
        if "embeddings" in arrays:
            return cls.encode(arrays["embeddings"], "float32")
        codes, scales, fine = (arrays[name] for name in cls._fields)
        return cls(
            codes.view(np.uint16) if codes.dtype == np.float16 else codes, scales, fine.view(np.uint16)
        )


def _decoded(typing_context: Any, code: Any) -> Any:
    """A code as float32: float32 itself, the bits of float16 as uint16, or int8. One instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Value:
        (value,) = arguments
        if code == types.uint16:
            return builder.fpext(builder.bitcast(value, ir.HalfType()), ir.FloatType())
        return builder.sitofp(value, ir.FloatType()) if code == types.int8 else value

    return types.float32(code), generate


decoded: Any = intrinsic(_decoded)


@numba.njit(nogil=True, cache=True)
def decode_into(codes: np.ndarray, scales: np.ndarray, out: np.ndarray) -> None:
    """``out[i] = scales[i] * codes[i]``: ``[n, d]``, float32 ``[n]``, float32 ``[n, d]``."""
    for i in range(len(codes)):
        for j in range(codes.shape[1]):
            out[i, j] = decoded(codes[i, j]) * scales[i]


def decoded_rows(codes: IntArray, scales: FloatArray) -> FloatArray:
    """Float32 ``[n, d]`` of codes ``[n, d]`` and their scales ``[n]``."""
    out = np.empty(codes.shape, dtype=np.float32)
    decode_into(codes, scales, out)
    return out
