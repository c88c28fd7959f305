"""One optimiser step in parts when memory runs out, on any device; an error when even the least does not fit."""

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from bgad_core.errors import DeviceError, ran_out

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class Parts:
    """Into how many parts a batch goes. It only grows: what did not fit once is not tried again.

    Attributes:
        count: 1 while memory suffices.
    """

    count: int = 1

    def within(self, call: Callable[[int], T], *, most: int, what: str) -> T:
        """call(count), with twice the count each time that memory runs out.

        Args:
            call: does the same whatever the count, in that many parts; starts anew when it is called again.
            most: the count at which a part holds so little that a smaller one would not help.
            what: what is being done, for the error.

        Raises:
            DeviceError: it does not fit in `most` parts either.
        """
        while True:
            try:
                return call(self.count)
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if self.count >= most:  # out of the except block: its traceback holds what the failed call had allocated
                raise DeviceError(
                    f"{what} does not fit into memory, not even in {self.count} parts ({reason[:160]}): use a smaller "
                    "image size, a smaller backbone, or a device with more memory"
                )
            self.count = min(2 * self.count, most)
            log.warning("%s does not fit into memory (%s): going on in %s parts", what, reason[:160], self.count)
            _free()


def gradient_in_parts(
    log_p_nats: Callable[[slice], Tensor], loss_of: Callable[[Tensor], Tensor], rows: int, count: int
) -> float:
    """The loss of a whole batch and its gradient, while only `rows` / `count` rows are held for the backward pass.

    The losses are means over the misplaced of a *batch*, so a mean over smaller batches would be another loss. Instead
    every log_p is computed first, without a graph; the loss's derivative by each of them is then one number per row,
    with which each part goes forward once more and backward. The parameters' gradients differ from those in one part
    by the order of summation alone: a step in parts is the same step but for its last bits, and takes a third longer.

    Args:
        log_p_nats: rows of the batch to their log p in nats, with its graph.
        loss_of: log p of all rows (N,) to the scalar loss.

    Returns:
        The loss; the gradients are added to the parameters' `grad`.
    """
    if count == 1:
        loss = loss_of(log_p_nats(slice(0, rows)))
        loss.backward()
        return float(loss.detach())
    edges = [rows * i // count for i in range(count + 1)]
    pieces = [slice(a, b) for a, b in pairwise(edges) if b > a]
    with torch.no_grad():
        nats = torch.cat([log_p_nats(piece) for piece in pieces])
    nats.requires_grad_()
    loss = loss_of(nats)
    (slope,) = torch.autograd.grad(loss, nats)
    for piece in pieces:
        log_p_nats(piece).backward(slope[piece])
    return float(loss.detach())


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
