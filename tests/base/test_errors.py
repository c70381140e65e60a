import pytest

from base.errors import UserError
from data.reading.json_files import read_json


def test_a_mistake_of_the_caller_is_a_value_error():
    with pytest.raises(ValueError):
        raise UserError("`k` must be at least 1, got 0")


def test_an_own_message_is_not_taken_for_one_of_a_library(tmp_path):
    """``except ValueError`` catches a UserError too."""
    with pytest.raises(UserError) as caught:
        read_json(tmp_path)
    assert str(caught.value) == f"{tmp_path} is not a regular file; name a JSON file"
