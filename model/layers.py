"""The convolution of the paper (CONVOLVE) as a PyG message-passing layer."""

from collections.abc import Callable
from typing import Optional

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import Linear, MessagePassing
from torch_geometric.typing import Adj, OptPairTensor, OptTensor, Size

from model.aggregators import AGGREGATIONS, NeighborAggregation


class ImportancePoolingConv(MessagePassing):
    r"""One layer of `"Graph Convolutional Neural Networks for Web-Scale Recommender Systems"
    <https://arxiv.org/abs/1806.01973>`_, Algorithm 1 (CONVOLVE).

    .. math::
        \mathbf{n}_u &= \gamma(\{ \mathrm{ReLU}(\mathbf{Q} \mathbf{z}_v + \mathbf{q}) : v \in N(u) \}, \alpha)
        \quad \text{(line 1)}

        \mathbf{z}'_u &= \mathrm{ReLU}(\mathbf{W} [\mathbf{z}_u \, \Vert \, \mathbf{n}_u] + \mathbf{w})
        \quad \text{(line 2)}

        \mathbf{z}'_u &\leftarrow \mathbf{z}'_u / \lVert \mathbf{z}'_u \rVert_2 \quad \text{(line 3)}

    Args:
        in_channels: size of z.
        hidden_channels: size of the message of a neighbour (rows of Q).
        out_channels: size of z' (rows of W).
        aggregator: the paper's gamma, a key of ``model.aggregators.AGGREGATIONS``: ``importance``, ``mean``
            or ``max``.

    Shapes:
        - ``forward``: x :math:`(|V|, F_{in})` or a pair of sources :math:`(|V_s|, F_{in})` and targets
          :math:`(|V_t|, F_{in})`; edge_index :math:`(2, |E|)` or the transposed sparse matrix
          :math:`(|V_t|, |V_s|)`; edge_weight :math:`(|E|)` -> :math:`(|V_t|, F_{out})`
        - ``forward_padded``: sources :math:`(|V_s|, F_{in})`, targets :math:`(|V_t|, F_{in})`, neighbors and
          weights :math:`(|V_t|, T)` -> :math:`(|V_t|, F_{out})`
        - ``forward_whole``: x :math:`(|V|, F_{in})`, neighbors and weights :math:`(|V|, T)` ->
          :math:`(|V|, F_{out})`

    Raises:
        ValueError: an unknown aggregator.
    """  # noqa: D205

    def __init__(
        self, in_channels: int, hidden_channels: int, out_channels: int, aggregator: str = "importance"
    ):
        if aggregator not in AGGREGATIONS:
            raise ValueError(f"aggregator must be one of {', '.join(AGGREGATIONS)}, got {aggregator!r}")
        aggregation: NeighborAggregation = AGGREGATIONS[aggregator]()
        super().__init__(aggr=aggregation)
        self.in_channels = in_channels
        self.hidden_channels = hidden_channels
        self.out_channels = out_channels
        self.aggregator = aggregator
        self.lin_neighbor = Linear(in_channels, hidden_channels)  # Q, q
        self.lin_self = Linear(in_channels + hidden_channels, out_channels)  # W, w
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new random weights."""
        super().reset_parameters()
        self.lin_neighbor.reset_parameters()
        self.lin_self.reset_parameters()

    def forward(
        self, x: Tensor | OptPairTensor, edge_index: Adj, edge_weight: OptTensor = None, size: Size = None
    ) -> Tensor:
        """Convolve over edges of PyG: ``edge_index`` with weights, or a sparse matrix of weights."""
        source, target = (x, x) if isinstance(x, Tensor) else x
        assert target is not None
        messages = self.messages_of(source)
        pooled = self.propagate(
            edge_index, x=(messages, None), edge_weight=edge_weight, size=size or (len(source), len(target))
        )
        return self._update(target, pooled)

    def forward_padded(self, source: Tensor, target: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Convolve over a neighbour table, in which padding has weight 0; this layout is the fastest."""
        return self.convolve(target, self.messages_of(source), neighbors, weights)

    def forward_whole(
        self,
        x: Tensor,
        neighbors: Tensor,
        weights: Tensor,
        block_size: int,
        gather: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Convolve all nodes of a graph: first all messages, then the pooling in blocks (section 3.4).

        Args:
            x: vectors of the nodes.
            neighbors: rows of all nodes.
            weights: of the neighbours.
            block_size: nodes that are pooled at once.
            gather: where several processes have a share of the nodes each: from the messages of the share
                ``x`` to those of all nodes. The nodes of the share are convolved.
        """
        messages = torch.cat([self.messages_of(block) for block in x.split(block_size)])
        if gather is not None:
            messages = gather(messages)
        parts = zip(x.split(block_size), neighbors.split(block_size), weights.split(block_size), strict=True)
        return torch.cat([self.convolve(target, messages, n, w) for target, n, w in parts])

    def messages_of(self, x: Tensor) -> Tensor:
        """What nodes tell the films whose neighbours they are: the inner part of line 1."""
        return self.lin_neighbor(x).relu()  # [|V|, hidden]

    def convolve(self, target: Tensor, messages: Tensor, neighbors: Tensor, weights: Tensor) -> Tensor:
        """Pool the messages of each target's neighbours and update the target (lines 1 to 3).

        Args:
            target: float ``[n, in_channels]``.
            messages: float ``[num_messages, hidden_channels]``, see ``messages_of``.
            neighbors: int64 ``[n, T]``, rows of ``messages``; padding has weight 0.
            weights: float ``[n, T]``.
        """
        return self._update(target, self.aggr_module.pool_unchecked(messages, neighbors, weights))

    def _update(self, target: Tensor, pooled: Tensor) -> Tensor:
        # W [z || n] as two products: the inputs of the first layer are features, which need no gradient.
        of_target, of_pooled = self.lin_self.weight.split([self.in_channels, self.hidden_channels], dim=1)
        z = F.linear(target, of_target, self.lin_self.bias) + F.linear(pooled, of_pooled)
        return F.normalize(z.relu(), dim=-1)  # [|V_t|, out]

    def message(self, x_j: Tensor) -> Tensor:
        """The message of an edge is the projected neighbour; the aggregation applies the weights."""
        return x_j

    def aggregate(
        self,
        inputs: Tensor,
        index: Tensor,
        ptr: OptTensor = None,
        dim_size: Optional[int] = None,  # noqa: UP045 (PyG's inspector cannot read `int | None`)
        edge_weight: OptTensor = None,
    ) -> Tensor:
        """Pass the edge weights to the aggregation."""
        return self.aggr_module(inputs, index, ptr=ptr, dim_size=dim_size, edge_weight=edge_weight)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, aggregator={self.aggregator})"
