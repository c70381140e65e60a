"""Training of one model by several processes: each takes a share of every batch, all have the same weights.

``torchrun`` starts the processes, on one machine or on several, and numbers them; ``base/joining.py``
connects them. All draw the same batches, negatives and shadows from the same seed. Gradients are summed over
the processes before each step, so a step equals the step of one process with the whole batch, up to the order
of additions. Each process embeds a share of the films and answers a share of the validation questions. The
first process, the leader, reads and writes the checkpoints. Without ``torchrun`` there is one process, and
these functions change nothing.

All processes must call a function that communicates, and in the same order.
"""

import contextlib
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from base.errors import WorldError

T = TypeVar("T")


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
    """Whether this process reads and writes the checkpoints, and logs the progress."""
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
    with _talking():
        dist.all_reduce(message)
    parts = message[1:].split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
    return message[0]


def share_of_rows(num_rows: int) -> slice:
    """The rows, of ``num_rows``, that this process computes: one block, as long as those of the others.

    The last blocks may be shorter, or empty.
    """
    block = -(-num_rows // world_size())
    return slice(min(rank() * block, num_rows), min((rank() + 1) * block, num_rows))


def gather_rows(part: Tensor, num_rows: int) -> Tensor:
    """All rows, in every process, of which each process has computed its share.

    Args:
        part: ``[n, d]``, the rows ``share_of_rows(num_rows)``.
        num_rows: number of all rows.

    Returns:
        ``[num_rows, d]``, of the same type and on the same device.
    """
    if world_size() == 1:
        return part
    block = -(-num_rows // world_size())
    whole = part.new_empty(world_size() * block, part.size(1))
    mine = whole[rank() * block : (rank() + 1) * block]
    mine[: len(part)] = part
    with _talking():
        dist.all_gather(list(whole.split(block)), mine)
    return whole[:num_rows]


def gather_objects(value: T) -> list[T]:
    """The values of all processes, by the number of the process."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    with _talking():
        dist.all_gather_object(values, value)
    return values


def broadcast_from_leader(value: T) -> T:
    """The value of the leader, in every process. Its arrays are sent as they are, without copies."""
    if world_size() == 1:
        return value
    buffers: list[pickle.PickleBuffer] = []
    box: list[Any] = [None]
    if is_leader():
        plain = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        box = [(plain, [buffer.raw().nbytes for buffer in buffers])]
    with _talking():
        dist.broadcast_object_list(box, src=0)
        plain, sizes = box[0]
        if is_leader():
            for buffer in buffers:
                _broadcast_bytes(np.frombuffer(buffer.raw(), np.uint8))
            return value
        received = [_broadcast_bytes(np.empty(size, np.uint8)) for size in sizes]
    return pickle.loads(plain, buffers=received)


def from_leader(compute: Callable[[], T]) -> T:
    """What ``compute`` gives in the leader, in every process; the others do not call it."""
    return broadcast_from_leader(compute() if is_leader() else None)  # type: ignore[return-value]


def _broadcast_bytes(content: np.ndarray) -> np.ndarray:
    """Send uint8 ``[n]`` from the leader; the others receive into theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the leader's array may be read-only, and is only read
        tensor = torch.from_numpy(content)
    if dist.get_backend() != "nccl":
        dist.broadcast(tensor, src=0)
        return content
    on_gpu = tensor.cuda()
    dist.broadcast(on_gpu, src=0)
    return content if is_leader() else on_gpu.cpu().numpy()


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    """Say in one line that another process has ended.

    Raises:
        WorldError: the connection broke.
    """
    try:
        yield
    except RuntimeError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WorldError(
            f"process {rank()} of {world_size()} lost the connection to another one ({reason}); the process "
            "that ended first says why; the last complete checkpoint is intact, `resume` continues"
        ) from error
