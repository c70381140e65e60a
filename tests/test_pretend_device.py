"""The pretend device has CUDA's rules about devices."""

import pytest
import torch

from tests.pretend_device import CPU, DEVICE, PretendGPU


@pytest.fixture(autouse=True)
def gpu():
    with PretendGPU():
        yield DEVICE


def test_the_pretend_device_computes_and_returns(gpu):
    x = torch.arange(6.0, device=gpu).view(2, 3)
    x[x > 4] = 0
    assert x.device == gpu and x.new_tensor([1]).device == torch.zeros_like(x).device == gpu
    assert x.cpu().tolist() == x.tolist() == [[0, 1, 2], [3, 4, 0]] and float(x.sum()) == 10
    assert torch.cat([x, x]).nonzero().shape == (8, 2)
    assert x.to(CPU).device == torch.zeros_like(x, device=CPU).device == CPU


ALLOWED = {
    "elementwise with a number": lambda there, here: there * torch.tensor(2.0),
    "a number inside where": lambda there, here: torch.where(there > 0, there, torch.tensor(0.0)),
    "a number as a fill": lambda there, here: there.masked_fill(there > 0, torch.tensor(1.0)),
    "index of the CPU": lambda there, here: there[torch.tensor([0, 1])],
    "mask of the CPU": lambda there, here: there[here > 0],
    "a number is set": lambda there, here: there.index_put_((torch.tensor([0]),), torch.tensor(1.0)),
    "copy_": lambda there, here: here.copy_(there),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_cuda_allows(gpu, name):
    here = torch.arange(4.0)
    expected = ALLOWED[name](here.clone(), here.clone())
    found = ALLOWED[name](here.to(gpu), here.clone())
    assert found.device == (CPU if name == "copy_" else gpu) and torch.equal(found.cpu(), expected)


REFUSED = {
    "elementwise": lambda there, here: there + here,
    "elementwise, number of the device": lambda there, here: there.sum() + here,
    "in place on the CPU": lambda there, here: torch.tensor(0.0).add_(there.sum()),
    "in place": lambda there, here: here.add_(there),
    "where": lambda there, here: torch.where(there > 0, here, 0.0),
    "mask of another device": lambda there, here: there.masked_fill(here > 0, 0.0),
    "masked_select": lambda there, here: there.masked_select(here > 0),
    "cat": lambda there, here: torch.cat([there, here]),
    "equal": lambda there, here: torch.equal(there, here),
    "product": lambda there, here: there @ here,
    "gather": lambda there, here: there.gather(0, here.long()),
    "index_select": lambda there, here: there.index_select(0, here.long()),
    "embedding": lambda there, here: torch.nn.functional.embedding(here.long(), there.view(-1, 1)),
    "scatter": lambda there, here: there.scatter_add(0, here.long(), there),
    "index of the device": lambda there, here: here[there.long()],
    "mask of the device": lambda there, here: here[there > 0],
    "values of the CPU": lambda there, here: there.index_put_((here.long(),), here),
    "numpy": lambda there, here: there.numpy(),
    "generator of the CPU": lambda there, here: torch.rand(
        2, device=there.device, generator=torch.Generator()
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cuda_refuses(gpu, name):
    here = torch.arange(4.0)
    REFUSED[name](here.clone(), here.clone())  # right on one device
    with pytest.raises((RuntimeError, TypeError), match="same device|indices of|convert|generator"):
        REFUSED[name](here.to(gpu), here.clone())


def test_a_file_of_the_device_needs_a_place_to_be_read_to(gpu, tmp_path):
    torch.save({"there": torch.ones(2, device=gpu), "here": torch.ones(2)}, tmp_path / "file.pt")
    read = torch.load(tmp_path / "file.pt", map_location="cpu", weights_only=True)
    assert all(part.device == CPU and part.tolist() == [1, 1] for part in read.values())
    with pytest.raises(Exception, match="map_location"):
        torch.load(tmp_path / "file.pt", weights_only=True)
