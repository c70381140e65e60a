"""A GPU without a GPU: a device whose tensors hold real numbers, and which has CUDA's rules about devices.

A ``PretendTensor`` says that it is on ``DEVICE`` and holds a tensor on the CPU that computes for it. So
results have the bits of the CPU, and shapes may depend on values. While ``PretendGPU`` is entered, PyTorch
makes such tensors wherever ``DEVICE`` is named, and a mixture of devices is the error that it is with CUDA:

- an operation refuses tensors of two devices;
- a CPU tensor without dimensions may be read by an elementwise operation, and be the value that fills;
- a tensor of the device may be indexed by tensors of the CPU, but not the other way round;
- ``copy_`` and ``to`` go from any device to any other, and the result shares no memory;
- only a tensor of the CPU becomes an array of NumPy;
- a generator of the CPU draws nothing on the device;
- a file with tensors of the device is read with ``map_location``, since the reader may have no GPU.

Not mirrored: which operations and number formats CUDA has, sums in another order, the kernels that PyTorch
chooses by device (AdamW takes all weights at once on a GPU), generators of the device, several devices.

``lazy`` is a device type of PyTorch that has no kernels here, and whose gradients are computed in the calling
thread. With ``cuda`` and ``privateuseone``, a backward pass needs a registered backend.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
CPU, DEVICE = torch.device("cpu"), torch.device("lazy", 0)

COPIES = {aten.copy_.default, aten._to_copy.default}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
FILLS = {aten.fill.Tensor, aten.fill_.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor}


class PretendTensor(Tensor):
    """A tensor that says it is on ``DEVICE``.

    Attributes:
        on_cpu: its values.
    """

    on_cpu: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, real: Tensor) -> "PretendTensor":
        tensor = Tensor._make_wrapper_subclass(
            cls,
            real.size(),
            strides=real.stride(),
            storage_offset=real.storage_offset(),
            dtype=real.dtype,
            layout=real.layout,
            device=DEVICE,
        )
        tensor.on_cpu = real
        return tensor

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})

    def numpy(self, *, force: bool = False) -> Any:
        """Refused, as with CUDA, unless forced."""
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(f"can't convert {DEVICE} device type tensor to numpy. Use Tensor.cpu() first.")

    def tolist(self) -> Any:
        """The values, as with CUDA."""
        return self.on_cpu.tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Written to a file as a tensor of the device, see ``_tag``."""
        _written.add(self.on_cpu.untyped_storage().data_ptr())
        return self.on_cpu.__reduce_ex__(protocol)


class PretendGPU(TorchDispatchMode):
    """While it is entered, this process has ``DEVICE``."""

    def __enter__(self) -> "PretendGPU":
        # Else ``torch.tensor(values, device=DEVICE)`` asks for the device where no mode is called.
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(False)
        _written.clear()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``func`` on the CPU after the rules were checked; results belong where CUDA would have them."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    device = kwargs.get("device")
    if device is None:
        device = DEVICE if any(map(_is_pretend, tensors)) else CPU
    if device.type == CPU.type and not any(map(_is_pretend, tensors)):
        return func(*args, **kwargs)
    _check_devices(func, args, kwargs, tensors)
    if device.type == DEVICE.type and any(isinstance(leaf, torch.Generator) for leaf in tree_leaves(kwargs)):
        raise RuntimeError(f"{func}: expected a generator of {DEVICE}, got one of the CPU")
    if "device" in kwargs:
        kwargs = kwargs | {"device": CPU}
    given = {id(_real(tensor)): tensor for tensor in tensors}  # what is changed in place stays itself
    result = func(*tree_map(_real, args), **tree_map(_real, kwargs))

    def placed(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) in given:
            return given[id(value)]
        return PretendTensor(value) if device.type == DEVICE.type else value

    return tree_map(placed, result)


def _check_devices(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Tensor]) -> None:
    """Refuse a mixture of devices.

    Raises:
        RuntimeError: there is one, and CUDA would not allow it.
    """
    if func in COPIES:
        return
    if func in INDEXING:
        indexed, indices, *others = args
        if not _is_pretend(indexed) and any(_is_pretend(index) for index in indices if index is not None):
            raise RuntimeError(f"{func}: indices of {DEVICE} for a tensor of the CPU")
        values = [value for value in others if isinstance(value, Tensor) and value.dim()]
        tensors = [indexed, *values]
    elif func in FILLS:
        tensors = list(args[:-1])
    elif torch.Tag.pointwise in func.tags:
        written = args[0] if func._schema.is_mutable else None
        tensors = [tensor for tensor in tensors if tensor is written or tensor.dim() or _is_pretend(tensor)]
    if len({_is_pretend(tensor) for tensor in tensors}) > 1:
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, got {DEVICE} and cpu")


def _is_pretend(tensor: Any) -> bool:
    return isinstance(tensor, PretendTensor)


def _real(value: Any) -> Any:
    return value.on_cpu if isinstance(value, PretendTensor) else value


_written: set[int] = set()  # addresses of the values that were written to a file


def _tag(storage: Any) -> str | None:
    return str(DEVICE) if storage.data_ptr() in _written else None


def _restore(storage: Any, location: str) -> None:
    """Refuse to read a tensor of the device where there may be none; ``map_location`` gives another place."""
    if location == str(DEVICE):
        raise RuntimeError(f"attempting to read a tensor of {DEVICE}: use torch.load with map_location")


torch.serialization.register_package(5, _tag, _restore)  # before the CPU's, which is 10
