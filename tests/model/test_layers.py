import pytest
import torch
from torch_geometric.loader import LinkLoader, NodeLoader
from torch_geometric.sampler import NegativeSampling
from torch_geometric.utils import to_torch_csr_tensor

from model.aggregators import AGGREGATIONS, importance_pooling
from model.layers import ImportancePoolingConv
from model.pinsage import PinSage, build_blocks
from model.pyg import ImportanceNeighborSampler, importance_graph
from tests.factories import random_table

AGGREGATORS = list(AGGREGATIONS)


def convolve_naively(conv, x, neighbors, weights):
    """Algorithm 1 of the paper, film by film."""
    rows = []
    for film in range(len(neighbors)):
        real = [(n, w) for n, w in zip(neighbors[film], weights[film], strict=True) if w > 0]
        messages = [(conv.lin_neighbor(x[n]).relu(), w) for n, w in real]
        if not messages:
            pooled = torch.zeros(conv.hidden_channels)
        elif conv.aggregator == "importance":
            pooled = sum(m * w for m, w in messages) / sum(w for _, w in messages)
        elif conv.aggregator == "mean":
            pooled = sum(m for m, _ in messages) / len(messages)
        elif conv.aggregator == "max":
            pooled = torch.stack([m for m, _ in messages]).amax(dim=0)
        else:
            raise NotImplementedError(f"add a naive form of {conv.aggregator}")
        z = conv.lin_self(torch.cat([x[film], pooled])).relu()
        rows.append(z / z.norm().clamp(min=1e-12))
    return torch.stack(rows)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_all_layouts_equal_algorithm_1(aggregator):
    torch.manual_seed(0)
    x = torch.randn(12, 7)
    neighbors, weights = random_table(12, 5)
    conv = ImportancePoolingConv(7, 6, 4, aggregator)
    assert repr(conv) == f"ImportancePoolingConv(7, 4, aggregator={aggregator})"
    expected = convolve_naively(conv, x, neighbors, weights)
    data = importance_graph(neighbors, weights, x)
    shuffled = torch.randperm(data.num_edges)
    transposed = to_torch_csr_tensor(data.edge_index.flip(0), data.edge_weight, size=(12, 12))
    layouts = {
        "padded": conv.forward_padded(x, x, neighbors, weights),
        "whole": conv.forward_whole(x, neighbors, weights, block_size=5),
        "edges": conv(x, data.edge_index, data.edge_weight),
        "edges in another order": conv(x, data.edge_index[:, shuffled], data.edge_weight[shuffled]),
        "sparse matrix": conv(x, transposed),
        "bipartite": conv((x, x[:12]), data.edge_index, data.edge_weight),
    }
    for name, result in layouts.items():
        torch.testing.assert_close(result, expected, msg=f"{name} differs")


def test_importance_pooling_is_a_weighted_mean_for_any_sum_of_weights():
    h = torch.tensor([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])
    neighbors = torch.tensor([[0, 1], [2, 2], [1, 2]])
    weights = torch.tensor([[3.0, 1.0], [0.0, 0.0], [0.25, 0.25]])
    expected = torch.tensor([[0.75, 0.25], [0.0, 0.0], [2.0, 2.5]])
    torch.testing.assert_close(importance_pooling(h, neighbors, weights), expected)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
@pytest.mark.parametrize(
    ("layer_neighbors", "head"), [((4,), "directed"), ((4, 4), "mixed"), ((2, 4, 3), "shared")]
)
def test_mini_batch_equals_layer_wise_and_contains_each_node_once(aggregator, layer_neighbors, head):
    torch.manual_seed(0)
    features = torch.randn(40, 7)
    neighbors, weights = random_table(40, 4)
    model = PinSage(7, 32, 6, layer_neighbors, aggregator, head)
    for parameter in model.parameters():  # the correction of a directed head starts at zero
        parameter.data.normal_(std=0.3)
    whole = model.embed_all(features, neighbors, weights, block_size=7)
    assert all(part.norm(dim=1).sub(1).abs().max() < 1e-5 for part in whole)
    assert torch.equal(*whole) == (head == "shared")
    seeds = torch.tensor([30, 0, 7])
    nodes, blocks = build_blocks(seeds, neighbors, weights, layer_neighbors)
    assert nodes[:3].tolist() == seeds.tolist() and len(nodes.unique()) == len(nodes)
    assert len(blocks) == len(layer_neighbors) and blocks[-1].num_targets == 3
    for part, whole_part in zip(model.forward_blocks(features[nodes], blocks), whole, strict=True):
        torch.testing.assert_close(part, whole_part[seeds])


def test_blocks_contain_only_what_the_batch_needs():
    neighbors = torch.tensor([[1], [2], [3], [0], [4]])
    weights = torch.ones(5, 1)
    nodes, blocks = build_blocks(torch.tensor([0]), neighbors, weights, (1, 1))
    assert nodes.tolist() == [0, 1, 2]
    assert [block.num_targets for block in blocks] == [2, 1]


def test_model_has_no_vector_per_film_id():
    model = PinSage(7, 8, 5, head="shared")
    neighbors, weights = random_table(40, 4)
    permutation = torch.randperm(40)
    inverse = permutation.argsort()
    features = torch.randn(40, 7)
    original, _ = model.embed_all(features, neighbors, weights)
    relabelled, _ = model.embed_all(features[inverse], permutation[neighbors[inverse]], weights[inverse])
    torch.testing.assert_close(relabelled, original[inverse])


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_pyg_node_loader_gives_the_same_embeddings(aggregator):
    torch.manual_seed(0)
    neighbors, weights = random_table(40, 4)
    features = torch.randn(40, 7)
    model = PinSage(7, 8, 5, (4, 4), aggregator, "shared")
    whole, _ = model.embed_all(features, neighbors, weights)
    data = importance_graph(neighbors, weights, features)
    loader = NodeLoader(data, ImportanceNeighborSampler(neighbors, weights, 2), batch_size=16)
    seen = 0
    for batch in loader:
        h = batch.x
        for conv in model.convs:
            h = conv(h, batch.edge_index, batch.edge_weight)
        films = batch.n_id[: batch.batch_size]
        torch.testing.assert_close(model.head(h).candidates[: batch.batch_size], whole[films])
        seen += batch.batch_size
    assert seen == 40


def test_pyg_link_loader_renumbers_pairs():
    neighbors, weights = random_table(40, 4)
    data = importance_graph(neighbors, weights, torch.randn(40, 7))
    pairs = torch.tensor([[3, 9, 3, 20], [9, 1, 20, 0]])
    sampler = ImportanceNeighborSampler(neighbors, weights, 2)
    batch = next(iter(LinkLoader(data, sampler, edge_label_index=pairs, batch_size=4)))
    assert torch.equal(batch.n_id[batch.edge_label_index], pairs)
    with pytest.raises(ValueError, match="neg_sampling must be None"):
        next(iter(LinkLoader(data, sampler, edge_label_index=pairs, neg_sampling=NegativeSampling("binary"))))


def test_a_layer_refuses_an_unknown_aggregator():
    with pytest.raises(ValueError, match="aggregator must be one of importance, mean, max, got 'sum'"):
        ImportancePoolingConv(7, 6, 4, "sum")
