"""Several processes, one training: each passes its share of a batch's vectors, all take the same step (DDP).

Losses are means over sides that a share may lack (misplaced features, normals), so an average of the shares' losses
would be another loss. Here the shares' log-likelihoods are gathered, every process computes the loss of the whole
batch, and the gradients that its own share contributes are summed. That is one process's step within
rounding, for every loss.

Join a group first: `torchrun` a script that says `with joined(): train(...)`. All draw the same, since draws are
seeded; the first one writes. Without a group everything here does nothing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn


@contextmanager
def joined(store: Path | None = None) -> Iterator[None]:
    """Belong to the group that RANK and WORLD_SIZE name, on this process's own accelerator where there are any.

    Args:
        store: a file that all processes of one machine see, by which they find each other; None takes what torchrun
            offers, whose store listens on every interface of the machine.
    """
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    meeting = "env://" if store is None else store.absolute().as_uri()
    dist.init_process_group("nccl" if cuda else "gloo", init_method=meeting, rank=rank, world_size=size)
    try:
        yield
    finally:
        dist.destroy_process_group()


def size() -> int:
    """How many processes train together; 1 without a group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes for all."""
    return size() == 1 or dist.get_rank() == 0


def wait() -> None:
    """Go on when every process has come here."""
    if size() > 1:
        dist.barrier()


def any_of(value: bool, device: torch.device) -> bool:
    """Whether it is true in any process."""
    if size() == 1:
        return value
    flag = torch.tensor(int(value), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    return bool(flag)


def shared(log_p: Callable[[Tensor, Tensor], Tensor], features: Tensor, cells: Tensor) -> Tensor:
    """`log_p(features, cells)` of a batch (N, C), (N,) that all processes hold, each computing its share, shape (N,).

    Gradients flow into this process's share alone: `summed` adds the others'.
    """
    if size() == 1:
        return log_p(features, cells)
    rank, lengths = dist.get_rank(), [len(piece) for piece in np.array_split(np.arange(len(cells)), size())]
    own = slice(sum(lengths[:rank]), sum(lengths[: rank + 1]))
    mine = log_p(features[own], cells[own])
    padded = mine.new_zeros(max(lengths))
    padded[: len(mine)] = mine.detach()
    gathered = [torch.empty_like(padded) for _ in lengths]
    dist.all_gather(gathered, padded)
    parts = [part[:length] for part, length in zip(gathered, lengths, strict=True)]
    parts[rank] = mine
    return torch.cat(parts)


def summed(module: nn.Module) -> None:
    """Replace each parameter's gradient by the sum over the processes, in one message."""
    if size() == 1:
        return
    gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
