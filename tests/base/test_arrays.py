import numpy as np
import pytest

from base.arrays import release_mapped, unit_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_have_length_one_and_zeros_stay(dtype):
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]], dtype=dtype)
    scaled = unit_rows(vectors)
    assert scaled.dtype == dtype
    np.testing.assert_allclose(scaled, [[0.6, 0.8], [0, 0], [-1, 0]], rtol=1e-6)


def test_a_released_array_is_read_again_from_its_file(tmp_path):
    np.save(tmp_path / "numbers.npy", np.arange(10))
    mapped = np.load(tmp_path / "numbers.npy", mmap_mode="r")
    for array in (mapped, np.asarray(mapped), np.arange(10)):
        assert array.sum() == 45
        release_mapped(array)
        assert array.sum() == 45
