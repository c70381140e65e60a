"""PinSage as a PyG model: with edges, in loaders, saved and loaded as a state dict; wrong arguments."""

import pytest
import torch
from torch_geometric.loader import NeighborLoader, NodeLoader
from torch_geometric.typing import WITH_PYG_LIB, WITH_TORCH_SPARSE

from config import Config
from model.aggregators import AGGREGATIONS
from model.heads import HEADS
from model.pinsage import PinSage
from model.pyg import ImportanceNeighborSampler, importance_graph
from tests.factories import random_table


def example(num_layers=2, aggregator="importance", head="mixed"):
    torch.manual_seed(0)
    model = PinSage(7, 16, 8, (4,) * num_layers, aggregator, head).eval()
    return model, torch.randn(40, 7), *random_table(40, 4)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("aggregator", AGGREGATIONS)
@pytest.mark.parametrize("num_layers", [1, 3])
def test_edges_give_what_embed_all_gives(num_layers, aggregator, head):
    model, features, neighbors, weights = example(num_layers, aggregator, head)
    data = importance_graph(neighbors, weights, features)
    over_edges = model(data.x, data.edge_index, data.edge_weight)
    for one, other in zip(over_edges, model.embed_all(features, neighbors, weights), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def embeddings_from(loader, model, num_movies=40):
    embeddings = torch.full((num_movies, 8), torch.nan)
    for batch in loader:
        z = model(batch.x, batch.edge_index, batch.edge_weight).candidates
        embeddings[batch.n_id[: batch.batch_size]] = z[: batch.batch_size].detach()
    return embeddings


def test_it_runs_in_a_node_loader():
    model, features, neighbors, weights = example()
    data = importance_graph(neighbors, weights, features)
    loader = NodeLoader(data, ImportanceNeighborSampler(neighbors, weights, num_layers=2), batch_size=16)
    expected = model.embed_all(features, neighbors, weights).candidates
    torch.testing.assert_close(embeddings_from(loader, model), expected, atol=1e-6, rtol=0)


@pytest.mark.skipif(
    not (WITH_PYG_LIB or WITH_TORCH_SPARSE), reason="NeighborLoader needs pyg-lib or torch-sparse"
)
def test_it_runs_in_a_neighbor_loader():
    model, features, neighbors, weights = example()
    data = importance_graph(neighbors, weights, features)
    loader = NeighborLoader(data, num_neighbors=[-1, -1], batch_size=16)
    expected = model.embed_all(features, neighbors, weights).candidates
    torch.testing.assert_close(embeddings_from(loader, model), expected, atol=1e-6, rtol=0)


def test_a_state_dict_gives_the_model_back(tmp_path):
    model, features, neighbors, weights = example()
    torch.save(model.state_dict(), tmp_path / "model.pt")
    again = PinSage(7, 16, 8, (4, 4)).eval()
    again.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    data = importance_graph(neighbors, weights, features)
    for one, other in zip(
        model(data.x, data.edge_index, data.edge_weight),
        again(data.x, data.edge_index, data.edge_weight),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_it_can_be_trained_over_edges():
    model, features, neighbors, weights = example()
    data = importance_graph(neighbors, weights, features)
    z = model.train()(data.x, data.edge_index, data.edge_weight)
    z.candidates.square().sum().add(z.queries[:, 0].sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_defaults_are_those_of_the_command_line():
    model, settings = PinSage(7), Config().model
    assert model.layer_neighbors == settings.layer_neighbors
    assert model.convs[0].hidden_channels == settings.hidden_dim
    assert model.convs[0].aggregator == settings.aggregator
    assert type(model.head) is HEADS[settings.head]
    z = model(torch.randn(3, 7), torch.tensor([[0, 1], [1, 2]]))
    assert z.candidates.shape == (3, settings.embedding_dim)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_channels": 0}, "in_channels must be a whole number from 1 to .*, got 0"),
        ({"hidden_channels": 1.5}, "hidden_channels must be a whole number from 1 to .*, got 1.5"),
        ({"out_channels": True}, "out_channels must be a whole number from 1 to .*, got True"),
        ({"out_channels": 9}, "out_channels must be even for the mixed head, got 9"),
        ({"layer_neighbors": ()}, "layer_neighbors must have one number per layer, got "),
        ({"layer_neighbors": (4, -1)}, "layer_neighbors must be a whole number from 1 to .*, got -1"),
        ({"aggregator": "sum"}, "aggregator must be one of importance, mean, max, got 'sum'"),
        ({"head": "two"}, "head must be one of shared, directed, mixed, got 'two'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PinSage(**({"in_channels": 7} | arguments))
