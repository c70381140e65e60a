import pytest
import torch
from torch_geometric.loader import LinkLoader, NodeLoader
from torch_geometric.sampler import EdgeSamplerInput, NegativeSampling, NodeSamplerInput
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


H = torch.ones(5, 3)
ROWS = torch.tensor([[0, 4], [1, 1]])
WEIGHTS = torch.tensor([[0.5, 0.5], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("h", "neighbors", "weights", "message"),
    [
        (H, torch.tensor([[0, 5], [1, 1]]), WEIGHTS, "neighbors must be rows from 0 to 4, got 5"),
        (H, torch.tensor([[0, -1], [1, 1]]), WEIGHTS, "neighbors must be rows from 0 to 4, got -1"),
        (H, ROWS.double(), WEIGHTS, "neighbors must be int64, got torch.float64"),
        (H, ROWS > 0, WEIGHTS, "neighbors must be int64, got torch.bool"),
        (H, ROWS[0], WEIGHTS, r"neighbors must be a tensor \[n, T\], got shape \(2,\)"),
        (H, ROWS.tolist(), WEIGHTS, r"neighbors must be a tensor \[n, T\], got list"),
        (H, ROWS, WEIGHTS[:1], "neighbors and weights must have the same shape and device"),
        (H, ROWS, WEIGHTS.long(), "weights must be floating point, got torch.int64"),
        (H, ROWS, -WEIGHTS, "weights must be finite numbers of at least 0, got -1.0"),
        (H, ROWS, WEIGHTS / 0, "weights must be finite numbers of at least 0, got (nan|inf)"),
        (H, ROWS, WEIGHTS.masked_fill(WEIGHTS == 1, torch.inf), "weights must be finite .*, got inf"),
        (H[0], ROWS, WEIGHTS, "h must be a floating-point tensor"),
        (H.long(), ROWS, WEIGHTS, "h must be a floating-point tensor"),
        ([1.0], ROWS, WEIGHTS, "h must be a floating-point tensor"),
    ],
)
def test_what_cannot_be_pooled(h, neighbors, weights, message):
    for pool in (importance_pooling, *(aggregation().pool for aggregation in AGGREGATIONS.values())):
        with pytest.raises(ValueError, match=message):
            pool(h, neighbors, weights)


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_pooling_of_nothing_and_in_other_types(aggregator):
    pool = AGGREGATIONS[aggregator]().pool
    assert pool(H, ROWS[:0], WEIGHTS[:0]).shape == (0, 3)
    assert pool(H, ROWS[:, :0], WEIGHTS[:, :0]).tolist() == [[0.0] * 3] * 2
    expected = pool(H, ROWS, WEIGHTS)
    assert pool(H.double(), ROWS.int(), WEIGHTS).dtype == torch.float64
    torch.testing.assert_close(pool(H.double(), ROWS.int(), WEIGHTS).float(), expected)


@pytest.mark.parametrize(
    ("seeds", "table", "layers", "message"),
    [
        ([0, 0], {}, (1,), "seeds must be distinct, got 0 more than once"),
        ([5], {}, (1,), "seeds must be whole numbers from 0 to 4, got 5"),
        ([-1], {}, (1,), "seeds must be whole numbers from 0 to 4, got -1"),
        (torch.tensor([1.7]), {}, (1,), "seeds must be whole numbers from 0 to 4, got 1.7"),
        (torch.tensor([True]), {}, (1,), "seeds must be whole numbers from 0 to 4, got True"),
        ([0], {2: 5}, (1,), "neighbors must be rows from 0 to 4, got 5"),
        ([0], {2: -1}, (1,), "neighbors must be rows from 0 to 4, got -1"),
        ([0], {}, (), r"layer_neighbors must have one number per layer, got \(\)"),
        ([0], {}, 2, "layer_neighbors must have one number per layer, got 2"),
        ([0], {}, (1, 0), "layer_neighbors must be a whole number from 1 to .*, got 0"),
        ([0], {}, (1.5,), "layer_neighbors must be a whole number from 1 to .*, got 1.5"),
    ],
)
def test_blocks_that_cannot_be_built(seeds, table, layers, message):
    neighbors = torch.arange(5).unsqueeze(1).roll(1, 0)
    for row, value in table.items():
        neighbors[row] = value
    with pytest.raises(ValueError, match=message):
        build_blocks(seeds, neighbors, torch.ones(5, 1), layers)


def test_blocks_of_no_seeds():
    neighbors, weights = random_table(40, 4)
    for seeds in ([], torch.zeros(0, dtype=torch.int64)):
        nodes, blocks = build_blocks(seeds, neighbors, weights, (4, 4))
        assert nodes.shape == (0,) and nodes.dtype == torch.int64
        assert [block.neighbors.shape for block in blocks] == [(0, 4), (0, 4)]


def test_tables_and_seeds_that_pyg_cannot_sample():
    neighbors, weights = random_table(40, 4)
    outside = neighbors.masked_fill(neighbors == 7, 40)
    with pytest.raises(ValueError, match="neighbors must be rows from 0 to 39, got 40"):
        importance_graph(outside, weights)
    with pytest.raises(ValueError, match="neighbors must be rows from 0 to 39, got 40"):
        ImportanceNeighborSampler(outside, weights, 2)
    with pytest.raises(ValueError, match="weights must be finite numbers of at least 0, got -"):
        ImportanceNeighborSampler(neighbors, -weights, 2)
    with pytest.raises(ValueError, match="x must have a row for each of 40 films, got 39"):
        importance_graph(neighbors, weights, torch.ones(39, 2))
    for num_layers in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="num_layers must be a whole number from 1 to"):
            ImportanceNeighborSampler(neighbors, weights, num_layers)
    sampler = ImportanceNeighborSampler(neighbors, weights, 2)
    for seeds, message in (([40], "got 40"), ([-1], "got -1"), ([3, 3], "must be distinct, got 3")):
        with pytest.raises(ValueError, match=f"index.node .*{message}"):
            sampler.sample_from_nodes(NodeSamplerInput(input_id=None, node=torch.tensor(seeds)))
    with pytest.raises(
        ValueError, match="index.row and index.col must be whole numbers from 0 to 39, got 40"
    ):
        sampler.sample_from_edges(EdgeSamplerInput(None, row=torch.tensor([1]), col=torch.tensor([40])))


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
    some = model.forward_blocks(features[nodes], blocks, num_queries=2)
    torch.testing.assert_close(some.candidates, model.forward_blocks(features[nodes], blocks).candidates)
    torch.testing.assert_close(some.queries, model.forward_blocks(features[nodes], blocks).queries[:2])


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
