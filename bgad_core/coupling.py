"""What the fused flow does to each element between its matrix products, by torch's own operations; see `fused`.

`coupling_cuda.py` does the same in one kernel each, under the same names.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

AT_ONCE = False  # the weights' gradients block by block, while what they are made of is in the processor's cache
Coupling = tuple[Tensor, Tensor, Tensor]  # t, and in full precision sigmoid(a) and exp(s)


def room(layers: int, like: Tensor, rows: int, width: int) -> list[Tensor]:
    """(rows, width) for each layer, of the type of `like` and where it lies; not yet written."""
    return [like.new_empty(rows, width) for _ in range(layers)]


def activate(
    units: Tensor, passed: Tensor, inner: Tensor, tables: tuple[Tensor, Tensor], column: Tensor, row: Tensor
) -> None:
    """Write relu(x1 inner' + by_column[column] + by_row[row]) into `units` (N, hidden).

    Args:
        passed: x1, (N, p).
        inner: (hidden, p).
        tables: by_column (W, hidden) and by_row (H, hidden).
        column, row: of each vector, (N,).
    """
    by_column, by_row = tables
    table = (by_row[:, None] + by_column).flatten(0, 1).to(units.dtype)
    torch.index_select(table, 0, row * len(by_column) + column, out=units)
    units.addmm_(passed, inner.mT).relu_()


def couple(both: Tensor, moved: Tensor, log_det: Tensor, clamp: float) -> Coupling:
    """x2 to x2 exp(s) + t in place, s added up in `log_det` (N,), where s = clamp (2 sigmoid(a) - 1).

    Args:
        both: [a, t], (N, 2 m).
        moved: x2, (N, m), may be part of a wider tensor.

    Returns:
        What `uncouple` wants.
    """
    width = moved.shape[1]
    gate, shift = both[:, :width].to(log_det.dtype).sigmoid_(), both[:, width:]
    growth = gate.mul(2 * clamp).sub_(clamp).exp_()
    moved.copy_(torch.addcmul(shift.to(log_det.dtype), moved.to(log_det.dtype), growth))
    log_det.add_(gate.sum(dim=1), alpha=2 * clamp).sub_(clamp * width)
    return shift, gate, growth


def room_for_sums(like: Tensor, rows: int, width: int) -> Tensor:
    """Where `uncouple` leaves its sums: (B, parts, width) for the B blocks; the sum over the parts is the whole."""
    return like.new_empty(len(like), 1, width)


def uncouple(
    arriving: Tensor,
    each: Tensor,
    state: Tensor,
    coupling: Coupling,
    scale: Tensor,
    clamp: float,
    of_both: Tensor,
    sums: Tensor,
) -> None:
    """The gradient of (y scale + offset) to that of x, in place, but for what comes through the subnet.

    Args:
        arriving: (N, d).
        each: gradient of log |det J| of each vector, (N,).
        state: y, (N, d).
        coupling: what `couple` returned.
        scale: (d,).
        of_both: gets the gradient of [a, t], (N, 2 m).
        sums: gets the gradients of offset (d), scale (d) and of the bias of [a, t] (2 m), see `room_for_sums`.
    """
    shift, gate, growth = coupling
    channels, width, full = arriving.shape[1], gate.shape[1], each.dtype
    gradient, whole = arriving.to(full, copy=True), state.to(full)
    torch.sum(gradient, dim=0, out=sums[0, :channels])
    torch.sum(gradient * whole, dim=0, out=sums[0, channels : 2 * channels])
    gradient.mul_(scale)
    moved = gradient[:, channels - width :]
    slope = (gate * (1 - gate)).mul_(2 * clamp)
    of_gate = (whole[:, channels - width :] - shift).mul_(moved).add_(each[:, None]).mul_(slope)
    torch.sum(of_gate, dim=0, out=sums[0, 2 * channels : 2 * channels + width])
    torch.sum(moved, dim=0, out=sums[0, 2 * channels + width :])
    of_both[:, :width].copy_(of_gate)
    of_both[:, width:].copy_(moved)
    moved.mul_(growth)
    arriving.copy_(gradient)


def weigh(
    found: Sequence[Tensor],
    of_hidden: Tensor,
    of_both: Tensor,
    passed: Tensor,
    hidden: Tensor,
    column: Tensor,
    row: Tensor,
) -> None:
    """Write the gradients of a block's `inner`, `by_column`, `by_row` and `outer` into `found`.

    Args:
        of_hidden, hidden: gradient of the hidden layer, behind its ReLU, and the layer, (N, hidden).
        of_both: gradient of [a, t], (N, 2 m).
        passed: x1, (N, p).
    """
    of_inner, of_column, of_row, of_outer = found
    of_inner.copy_(of_hidden.mT @ passed)
    of_outer.copy_(of_both.mT @ hidden)
    sums = of_hidden.to(of_inner.dtype)
    of_column.zero_().index_add_(0, column, sums)
    of_row.zero_().index_add_(0, row, sums)
