"""Training of one model by several processes: each takes a share of every batch, all have the same weights.

``torchrun`` starts the processes and numbers them. All draw the same batches, negatives and shadows
from the same seed. Gradients are summed over the processes before each step, so a step equals the step
of one process with the whole batch, up to the order of additions. The first process, the leader,
validates and writes the files. Without ``torchrun`` there is one process, and these functions change
nothing.
"""

import os
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


def join_process_group(device: torch.device) -> None:
    """Connect to the other processes that ``torchrun`` started, if any: NCCL on GPUs, else gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)  # where NCCL sends objects from; else all processes take the first
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def leave_process_group() -> None:
    """End the connection to the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_leader() -> bool:
    """Whether this process validates and writes the files."""
    return rank() == 0


def share_of(queries: Tensor) -> tuple[Tensor, float]:
    """The pairs of a batch that this process computes, and their weight in the mean loss of the batch.

    The pairs are divided in the order of their queries. Scores are expensive and are computed once per
    distinct query, so pairs with the same query belong in the same process.

    Args:
        queries: int64 ``[B]`` film rows.

    Returns:
        int64 ``[b]`` positions in the batch, and the weight b / B. If there are fewer pairs than
        processes, every process computes the whole batch, with weight 1 / number of processes.
    """
    size = world_size()
    if size == 1 or len(queries) < size:
        return torch.arange(len(queries)), 1 / size
    mine = queries.argsort(stable=True).tensor_split(size)[rank()]
    return mine, len(mine) / len(queries)


def all_reduce_gradients(model: nn.Module, loss: Tensor) -> Tensor:
    """Replace each gradient by its sum over all processes, in one message.

    Args:
        model: the same model in every process, after ``backward``.
        loss: a scalar.

    Returns:
        The sum of the losses of all processes.
    """
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
    """The value of the leader, in every process."""
    if world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]
