"""Several processes that train one model: each takes a share of every batch, all hold the same weights.

``torchrun`` starts the processes and numbers them. They draw the same batches, negatives and shadows
from the same seed; gradients are added up before each step, so that a step is that of one process
with the whole batch, up to the order of additions. The first process, the leader, validates and
writes. Without ``torchrun`` there is one process, and nothing here does anything.
"""

import os
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


def join_process_group(device: torch.device) -> None:
    """Meet the other processes that ``torchrun`` started, if any: over NCCL on GPUs, else over gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def leave_process_group() -> None:
    """Part from the others."""
    if dist.is_initialized():
        dist.destroy_process_group()


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_leader() -> bool:
    """Whether this process validates and writes."""
    return rank() == 0


def share_of(queries: Tensor) -> tuple[Tensor, float]:
    """This process's pairs of a batch, and their part in the batch's mean loss.

    The batch is cut along its sorted queries, since the costly scores are computed once a distinct
    query: with a random cut every process would have to compute nearly all of them.

    Args:
        queries: int64 ``[B]`` film rows.

    Returns:
        int64 ``[b]`` positions in the batch, and b / B. A batch with fewer pairs than processes goes
        whole to each of them, with equal parts.
    """
    size = world_size()
    if size == 1 or len(queries) < size:
        return torch.arange(len(queries)), 1 / size
    mine = queries.argsort(stable=True).tensor_split(size)[rank()]
    return mine, len(mine) / len(queries)


def all_reduce_gradients(model: nn.Module, loss: Tensor) -> Tensor:
    """Replace the gradients by their sums over all processes, in one message; returns the loss's sum."""
    if world_size() == 1:
        return loss
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    message = torch.cat([loss.detach().view(1), *(gradient.view(-1) for gradient in gradients)])
    dist.all_reduce(message)
    parts = message[1:].split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
    return message[0]


def broadcast_from_leader(value: T) -> T:
    """The leader's value, on every process."""
    if world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]
