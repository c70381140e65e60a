import pickle
import resource
import signal
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from base.errors import UserError, WorldError
from config import Config
from model.checkpoint import FORMAT, VERSION, load_checkpoint, save_checkpoint
from model.new_films.from_checkpoint import stored_model
from model.person_settings import PersonSettings
from tests.trained import MODEL, trained_checkpoint

SETTINGS = Config().model_settings()


@pytest.fixture
def checkpoint():
    return trained_checkpoint()


mapped_or_read = pytest.mark.parametrize("mapped", [False, True])


@mapped_or_read
def test_everything_comes_back(checkpoint, tmp_path, mapped):
    checkpoint = replace(checkpoint, person=PersonSettings(1.0, 4.0))
    path = tmp_path / "folder" / "last.pt"
    save_checkpoint(checkpoint, path)
    loaded = load_checkpoint(path, mapped=mapped)
    for name in ("settings", "dataset", "progress", "person"):
        assert getattr(loaded, name) == getattr(checkpoint, name)
    for name in ("features", "neighbors", "weights", "embeddings", "query_embeddings", "user_ids"):
        assert torch.equal(getattr(loaded, name), getattr(checkpoint, name))
    for part in ("movies", "basis"):
        for field in fields(getattr(checkpoint, part)):
            ours, theirs = (getattr(getattr(c, part), field.name) for c in (loaded, checkpoint))
            if isinstance(theirs, np.ndarray):
                assert np.array_equal(ours, theirs, equal_nan=True) and ours.dtype == theirs.dtype
            else:
                assert ours == theirs
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


def test_a_checkpoint_from_before_edge_weights_was_trained_without(checkpoint, tmp_path):
    settings = {name: value for name, value in checkpoint.settings.items() if name != "weighted_walks"}
    save_checkpoint(replace(checkpoint, settings=settings), tmp_path / "old.pt")
    assert load_checkpoint(tmp_path / "old.pt").settings == settings | {"weighted_walks": "none"}


def test_a_checkpoint_from_before_person_settings_has_the_defaults(checkpoint, tmp_path):
    save_checkpoint(replace(checkpoint, person=PersonSettings(1.0, 4.0)), tmp_path / "old.pt")
    stored = torch.load(tmp_path / "old.pt", weights_only=True)
    del stored["person"]
    torch.save(stored, tmp_path / "old.pt")
    assert load_checkpoint(tmp_path / "old.pt").person == PersonSettings()


def test_neighbours_by_layer_come_back(tmp_path):
    model = replace(MODEL, num_layers=2, num_neighbors=(5, 3))
    save_checkpoint(trained_checkpoint(model=model), tmp_path / "best.pt")
    assert stored_model(load_checkpoint(tmp_path / "best.pt")).layer_neighbors == (5, 3)


@mapped_or_read
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_a_torn_file_is_refused(checkpoint, tmp_path, keep, mapped):
    path = tmp_path / "best.pt"
    save_checkpoint(checkpoint, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(UserError, match=r"best.pt is damaged or not a checkpoint .*; train again$"):
        load_checkpoint(path, mapped=mapped)


@mapped_or_read
def test_a_flipped_bit_is_refused(checkpoint, tmp_path, mapped):
    path = tmp_path / "best.pt"
    save_checkpoint(checkpoint, path)
    content = bytearray(path.read_bytes())
    middle = content.find(checkpoint.embeddings.numpy().tobytes())
    content[middle + 5] ^= 64
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged .*wrong checksum"):
        load_checkpoint(path, mapped=mapped)


class Payload:
    """What an attacker would pickle."""

    def __reduce__(self):
        import os

        return os.mkdir, (f"{Payload.target}",)


@mapped_or_read
def test_code_in_a_checkpoint_is_not_run(tmp_path, mapped):
    Payload.target = tmp_path / "harm"
    torch.save({"format": FORMAT, "version": VERSION, "settings": Payload()}, tmp_path / "best.pt")
    (tmp_path / "last.pt").write_bytes(pickle.dumps(Payload()))
    for name, message in (
        (
            "best.pt",
            "something other than tensors and plain values, which could run code, so it is refused; use",
        ),
        ("last.pt", "last.pt is damaged or not a checkpoint of this program; train again"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            load_checkpoint(tmp_path / name, mapped=mapped)
        assert "PyTorch" not in str(caught.value) and "\n" not in str(caught.value)
    assert not Payload.target.exists()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"model": torch.zeros(3)}, "not a checkpoint of this program"),
        ([1, 2, 3], "not a checkpoint of this program"),
        ({"format": FORMAT, "version": 99}, "version 99, this program reads 2"),
        ({"format": FORMAT, "version": torch.zeros(20, 5, 2)}, "of version of type Tensor, this program"),
        ({"format": FORMAT, "version": VERSION}, "lacks a part of a checkpoint, 'settings'"),
    ],
)
def test_foreign_files_are_refused(tmp_path, stored, message):
    torch.save(stored, tmp_path / "best.pt")
    with pytest.raises(UserError, match=message):
        load_checkpoint(tmp_path / "best.pt")


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("neighbors", torch.full((20, 5), 20).int(), "neighbors has a row outside 0 to 19"),
        ("weights", torch.zeros(20, 4), r"weights must be float32 of shape \[20, 5\]"),
        ("embeddings", torch.full((20, 8), torch.nan), "embeddings contains NaN or infinity"),
        ("features", torch.zeros(20, 3), "features must be float32 of shape"),
        ("person", {"rank_offset": 0.0}, "person.rank_offset must be a finite number above 0"),
        ("person", {"graph_factor": "1"}, "person.graph_factor must be a finite number above 0"),
        ("person", {"graph": 1.0}, "a part of the checkpoint has the wrong type"),
        ("movies", torch.zeros(3), "movies must be a dictionary"),
        ("settings", {"num_layers": 2}, "'split'"),
        ("settings", SETTINGS | {"num_neighbors": (5, 0)}, r"num_neighbors has the wrong value \(5, 0\)"),
        ("settings", SETTINGS | {"split": torch.zeros(20, 5)}, r"split has the wrong value tensor\(\[\[0"),
        ("settings", SETTINGS | {"num_neighbors": ()}, r"num_neighbors has the wrong value \(\)"),
        ("settings", SETTINGS | {"embedding_dim": 9}, "`embedding_dim` 9 must be even"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(checkpoint, tmp_path, part, value, message):
    save_checkpoint(checkpoint, tmp_path / "best.pt")
    stored = torch.load(tmp_path / "best.pt", weights_only=True) | {part: value}
    torch.save(stored, tmp_path / "best.pt")
    with pytest.raises(UserError, match=message) as caught:
        load_checkpoint(tmp_path / "best.pt")
    assert "\n" not in str(caught.value) and str(caught.value).endswith("train again")


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match="train one first: python main.py --mode train"):
        load_checkpoint(tmp_path / "best.pt")


def test_a_disk_that_fills_up_leaves_the_previous_checkpoint(checkpoint, tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint(checkpoint, path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
        for target, message in (
            (path, "the previous checkpoint is intact; free some space, then run .* with `resume`$"),
            (tmp_path / "new.pt", "free some space$"),
        ):
            with pytest.raises(WorldError, match=f"could not write .*: the disk is full.*; {message}"):
                save_checkpoint(checkpoint, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]
