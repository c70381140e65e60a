"""The encoder as ONNX, run by onnxruntime, against the network."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.new_films.from_checkpoint import stored_model
from model.pinsage import PinSage
from recommend.stores.encoder import Encoder, GatheredPooling, write_onnx
from tests.trained import MODEL, trained_checkpoint

INSTALL = "not installed: pip install -r requirements-stores.txt"


@pytest.fixture
def onnxruntime():
    """The module, where what writes ONNX is there too."""
    for package in ("onnxscript", "onnx"):
        pytest.importorskip(package, reason=f"{package} is {INSTALL}")
    return pytest.importorskip("onnxruntime", reason=f"onnxruntime is {INSTALL}")


def session(onnxruntime, path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options)


def random_table(count, width=6, seed=0):
    """Neighbours and weights, of which some are padding, and one row all of it."""
    rng = np.random.default_rng(seed)
    weights = rng.random((count, width), dtype=np.float32)
    weights[:, width // 2 :] *= rng.random((count, 1)) < 0.5
    weights[0] = 0
    return torch.from_numpy(rng.integers(count, size=(count, width))), torch.from_numpy(weights)


@pytest.mark.parametrize("aggregator", ["importance", "mean", "max"])
@pytest.mark.parametrize(("layers", "head"), [((6,), "mixed"), ((5, 3), "shared"), ((2, 6), "directed")])
def test_the_encoder_equals_the_network(aggregator, layers, head):
    torch.manual_seed(0)
    model = PinSage(7, 16, 8, layers, aggregator, head).eval()
    encoder = Encoder(model, None)
    for count in (2, 40):
        features, table = torch.randn(count, 7), random_table(count)
        for found, wanted in zip(encoder(features, *table), model.embed_all(features, *table), strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    assert not isinstance(model.convs[0].aggr_module, GatheredPooling)  # the network itself is left alone


VARIANTS = {
    "default": MODEL,
    "paper": replace(MODEL, num_layers=2, head="shared", graph_view=0.0, content_view=0.0),
    "max": replace(MODEL, aggregator="max", head="directed", graph_view=0.0),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_onnx_gives_the_vectors_of_the_checkpoint_and_of_other_catalogues(variant, onnxruntime, tmp_path):
    checkpoint = trained_checkpoint(model=VARIANTS[variant])
    write_onnx(checkpoint, tmp_path)
    runner = session(onnxruntime, tmp_path / "encoder.onnx")
    inputs = dict(np.load(tmp_path / "inputs.npz"))
    assert [part.name for part in runner.get_inputs()] == list(inputs)
    for found, wanted in zip(
        runner.run(["candidates", "queries"], inputs),
        (checkpoint.embeddings, checkpoint.query_embeddings),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=0, atol=1e-5)
    readme = (tmp_path / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in inputs)
    # Catalogues of other sizes, with neighbours among their own rows.
    rng = np.random.default_rng(0)
    encoder = Encoder(stored_model(checkpoint), checkpoint.blend)
    for count in (1, 3, 70):
        rows = rng.integers(len(checkpoint.movies), size=count)
        others = {name: part[rows] for name, part in inputs.items()}
        others["neighbors"] = rng.integers(count, size=others["neighbors"].shape)
        wanted = encoder(*map(torch.from_numpy, others.values()))
        for found, expected in zip(runner.run(None, others), wanted, strict=True):
            np.testing.assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-5)
