"""What the fused flow does to each element between its matrix products, one Triton kernel each; see `coupling`.

Sums over vectors are made in a fixed order, part by part, never by atomic additions: the same bits each time.
"""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

AT_ONCE = True  # the weights' gradients of all blocks together: fewer, larger products
ROWS, COLUMNS = 16, 32  # of a tile

Coupling = Tensor  # [a, t], from which the rest is made again: exponents cost a GPU less than memory does


def room(layers: int, like: Tensor, rows: int, width: int) -> Tensor:
    """See `coupling.room`; one tensor (layers, rows, width)."""
    return like.new_empty(layers, rows, width)


def activate(
    units: Tensor, passed: Tensor, inner: Tensor, tables: tuple[Tensor, Tensor], column: Tensor, row: Tensor
) -> None:
    """See `coupling.activate`."""
    torch.mm(passed, inner.mT, out=units)
    by_column, by_row = tables
    rows, width = units.shape
    grid = (triton.cdiv(rows, ROWS), triton.cdiv(width, COLUMNS))
    _activate[grid](units, by_column, by_row, column, row, rows, width, ROWS, COLUMNS)


def couple(both: Tensor, moved: Tensor, log_det: Tensor, clamp: float) -> Coupling:
    """See `coupling.couple`."""
    rows, width = moved.shape
    grid = (triton.cdiv(rows, ROWS),)
    _couple[grid](both, moved, log_det, rows, width, moved.stride(0), clamp, ROWS, COLUMNS)
    return both


def room_for_sums(like: Tensor, rows: int, width: int) -> Tensor:
    """See `coupling.room_for_sums`."""
    return like.new_empty(len(like), triton.cdiv(rows, ROWS), width)


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
    """See `coupling.uncouple`."""
    rows, channels = arriving.shape
    width = coupling.shape[1] // 2
    grid = (triton.cdiv(rows, ROWS), triton.cdiv(max(channels - width, width), COLUMNS))
    _uncouple[grid](
        arriving,
        each,
        state,
        coupling,
        scale,
        of_both,
        sums,
        rows,
        channels,
        width,
        clamp,
        ROWS,
        COLUMNS,
    )


def weigh(
    found: Sequence[Tensor],
    of_hidden: Tensor,
    of_both: Tensor,
    passed: Tensor,
    hidden: Tensor,
    column: Tensor,
    row: Tensor,
) -> None:
    """See `coupling.weigh`, for all blocks at once: each argument has their axis first.

    The tables' gradients are products too, with each vector's place as a row of zeros and a one.
    """
    of_inner, of_column, of_row, of_outer = found
    of_inner.copy_(of_hidden.mT @ passed)
    of_outer.copy_(of_both.mT @ hidden)
    columns, rows = of_column.shape[1], of_row.shape[1]
    place = torch.arange(columns + rows, device=column.device)[:, None]
    chosen = torch.where(place < columns, column == place, row == place - columns)
    tables = chosen.to(of_hidden.dtype) @ of_hidden
    of_column.copy_(tables[:, :columns])
    of_row.copy_(tables[:, columns:])


@triton.jit
def _activate(units, by_column, by_row, column, row, rows, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    place = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    unit = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    there = (place < rows)[:, None] & (unit < width)[None]
    at_column = tl.load(column + place, place < rows, 0)[:, None] * width + unit[None]
    at_row = tl.load(row + place, place < rows, 0)[:, None] * width + unit[None]
    at = place[:, None] * width + unit[None]
    total = tl.load(units + at, there, 0).to(tl.float32)
    total += tl.load(by_column + at_column, there, 0) + tl.load(by_row + at_row, there, 0)
    tl.store(units + at, tl.maximum(total, 0.0), there)


@triton.jit
def _couple(both, moved, log_det, rows, width, stride, clamp, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    place = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    total = tl.load(log_det + place, place < rows, 0)
    for start in range(0, width, COLUMNS):
        channel = start + tl.arange(0, COLUMNS)
        there = (place < rows)[:, None] & (channel < width)[None]
        at = place[:, None] * (2 * width) + channel[None]
        gate = 1 / (1 + tl.exp(-tl.load(both + at, there, 0).to(tl.float32)))
        shift = tl.load(both + at + width, there, 0).to(tl.float32)
        exponent = clamp * (2 * gate - 1)
        where = moved + place[:, None] * stride + channel[None]
        tl.store(where, tl.load(where, there, 0).to(tl.float32) * tl.exp(exponent) + shift, there)
        total += tl.sum(tl.where(there, exponent, 0.0), axis=1)
    tl.store(log_det + place, total, place < rows)


@triton.jit
def _uncouple(
    arriving,
    each,
    state,
    both,
    scale,
    of_both,
    sums,
    rows,
    channels,
    width,
    clamp,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    part, passed = tl.program_id(0), channels - width
    place = part * ROWS + tl.arange(0, ROWS)
    channel = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    sums += part * (2 * channels + 2 * width) + channel

    there = (place < rows)[:, None] & (channel < passed)[None]
    at = place[:, None] * channels + channel[None]
    gradient = tl.load(arriving + at, there, 0).to(tl.float32)
    tl.store(sums, tl.sum(gradient, axis=0), channel < passed)
    whole = tl.load(state + at, there, 0).to(tl.float32)
    tl.store(sums + channels, tl.sum(gradient * whole, axis=0), channel < passed)
    tl.store(arriving + at, gradient * tl.load(scale + channel, channel < passed, 0)[None], there)

    there = (place < rows)[:, None] & (channel < width)[None]
    at += passed
    gradient = tl.load(arriving + at, there, 0).to(tl.float32)
    tl.store(sums + passed, tl.sum(gradient, axis=0), channel < width)
    whole = tl.load(state + at, there, 0).to(tl.float32)
    tl.store(sums + channels + passed, tl.sum(gradient * whole, axis=0), channel < width)
    gradient *= tl.load(scale + passed + channel, channel < width, 0)[None]
    pair = place[:, None] * (2 * width) + channel[None]
    gate = 1 / (1 + tl.exp(-tl.load(both + pair, there, 0).to(tl.float32)))
    shift = tl.load(both + pair + width, there, 0).to(tl.float32)
    weight = tl.load(each + place, place < rows, 0)[:, None]
    of_gate = ((whole - shift) * gradient + weight) * (2 * clamp * gate * (1 - gate))
    tl.store(of_both + pair, of_gate, there)
    tl.store(of_both + pair + width, gradient, there)
    tl.store(sums + 2 * channels, tl.sum(of_gate, axis=0), channel < width)
    tl.store(sums + 2 * channels + width, tl.sum(gradient, axis=0), channel < width)
    tl.store(arriving + at, gradient * tl.exp(clamp * (2 * gate - 1)), there)
