"""A model as one graph of plain tensor operations, from pixels to maps: what ONNX and OpenVINO take (`export.py`).

In the graph: normalisation, backbone, average filter, the features' passage through half precision, whitening, flows,
normalisation by d and alpha_n, each level brought to the finest grid, fusion and blur (Eq. 1, 6, 7). Its constants are
what training and calibration fixed: changing one makes another model.

Outside, in NumPy and OpenCV, because a person may want to change it or because it differs from image to image:
decoding, resizing and tiling before (one code for both sides, without torch: `data.py`, `tiling.py`), boundaries,
score, decision and regions after (`standing.py`).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bgad_core.feature_cache import smoothed
from bgad_core.fused import cells_on, merged_blocks
from bgad_core.model import BGAD


class PlainFlow(nn.Module):
    """One level's flow from its merged blocks, whole maps at a time.

    `fused.py` has the same arithmetic for rows of features, with a backward pass; here the position's share of a
    hidden layer is a constant map, and nothing is written in place.
    """

    def __init__(self, model: BGAD, level: int) -> None:
        super().__init__()
        flow = model.flows[level]
        self.blocks: int = len(flow.network)  # type: ignore[arg-type]
        self.clamp: float = flow.config.clamp  # type: ignore[assignment]
        channels, height, width = model.shapes[level]
        cells = cells_on(getattr(model, f"grid{level}"), width, torch.arange(height * width, device=model.device))
        merged = merged_blocks(flow, cells)  # type: ignore[arg-type]
        for number, (inner, column, row, outer, bias, scale, offset, rotation) in enumerate(zip(*merged, strict=True)):
            position = (row[:, None] + column).flatten(0, 1)
            kept = {"inner": inner.t(), "position": position, "outer": outer.t(), "bias": bias}
            if number + 1 < self.blocks:  # the global affine, folded into the rotation behind it
                kept |= {"turn": (rotation * scale).t(), "shift": rotation @ offset}
            else:
                kept |= {"turn": scale, "shift": offset}
            for name, value in kept.items():
                self.register_buffer(f"{name}{number}", value.detach().contiguous().clone())
        self.constant = float(merged.scale.log().sum().detach()) - 0.5 * channels * math.log(2 * math.pi)

    def forward(self, features: Tensor) -> Tensor:
        """Whitened features (B, H*W, C) to log p in nats, (B, H*W)."""
        state, gates = features, []
        for number in range(self.blocks):
            passed = getattr(self, f"inner{number}").shape[0]
            kept, moved = state[..., :passed], state[..., passed:]
            hidden = torch.relu(kept @ getattr(self, f"inner{number}") + getattr(self, f"position{number}"))
            both = hidden @ getattr(self, f"outer{number}") + getattr(self, f"bias{number}")
            gate, shift = both.split(moved.shape[-1], dim=-1)
            growth = torch.sigmoid(gate) * (2 * self.clamp) - self.clamp
            gates.append(growth.sum(dim=-1))
            state = torch.cat([kept, moved * growth.exp() + shift], dim=-1)
            turn, offset = getattr(self, f"turn{number}"), getattr(self, f"shift{number}")
            state = state @ turn + offset if number + 1 < self.blocks else state * turn + offset
        return torch.stack(gates).sum(dim=0) - 0.5 * (state * state).sum(dim=-1) + self.constant


def rounded(features: Tensor) -> Tensor:
    """float32 rounded to the 11 bits of half precision, through which the cache that calibration read passed.

    By two subtractions (Veltkamp 1968), because a runtime that computes in float32 drops a cast to float16 and back.
    Below 6e-5, where half precision has fewer bits, it rounds more finely: 3e-8 apart at most.
    """
    scaled = features * (2.0**13 + 1)
    return scaled - (scaled - features)


class ScoringGraph(nn.Module):
    """Pixels to log-likelihood maps; higher is more normal.

    Args:
        model: calibrated; its parameters are copied.

    Source: Eq. 1, 6, 7; equal to `BGAD.log_likelihoods` and `BGAD.fused` but for the last bits.
    """

    def __init__(self, model: BGAD) -> None:
        super().__init__()
        self.model = model
        self.flows = nn.ModuleList(PlainFlow(model, level) for level in range(len(model.shapes)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (B, S, S, 3), RGB, to the fused map (B, H, W) and the levels' log_p on its grid, (B, L, H, W)."""
        model = self.model
        pixels = images.permute(0, 3, 1, 2).float() / 255.0
        levels = [
            self._level(number, features)
            for number, features in enumerate(smoothed(model.extractor(pixels), model.config.smoothing))
        ]
        size = levels[0].shape[1:]
        planes = [F.interpolate(level[:, None], size=size, mode="bilinear", align_corners=False) for level in levels]
        return model.fused(levels), torch.cat(planes, dim=1)

    def _level(self, number: int, features: Tensor) -> Tensor:
        _, height, width = self.model.shapes[number]
        rows = rounded(features.flatten(2).transpose(1, 2))
        log_p = self.model.normalised(number, self.flows[number](self.model.whitened(number, rows)))
        return log_p.reshape(-1, height, width)
