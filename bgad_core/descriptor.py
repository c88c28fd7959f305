"""A short vector per image: what its most abnormal region looks like to the frozen backbone."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SIZE = 64
SEED = 20230618  # the projection is the same everywhere, so that descriptors of one backbone compare


def region_descriptors(
    rows: Sequence[Tensor],
    shapes: Sequence[tuple[int, int, int]],
    regions: Tensor,
    *,
    whitened: Callable[[int, Tensor], Tensor],
) -> np.ndarray:
    """Pooled features of one region per image.

    Args:
        rows: features per level, (B, H*W, C).
        shapes: (C, H, W) per level.
        regions: (B, H, W) at any size, 1 inside; no image's is empty.
        whitened: what the project's normals make of features (B, C) of a level; affine, so the mean may come first.

    Returns:
        float16 (B, 64). Per level the mean over the region, of length 1 so that no level outweighs another; the levels
        side by side, brought to 64 values by a fixed Gaussian projection, which keeps distances to about a tenth.
    """
    pooled = []
    for level, (features, (_, height, width)) in enumerate(zip(rows, shapes, strict=True)):
        weights = F.interpolate(regions[:, None].float(), size=(height, width), mode="area").flatten(1)
        mean = (weights[:, None] @ features.float())[:, 0] / weights.sum(dim=1, keepdim=True)
        pooled.append(F.normalize(whitened(level, mean), dim=1))
    joined = torch.cat(pooled, dim=1).cpu().numpy()
    projected: np.ndarray = joined @ _projection(joined.shape[1])
    return projected.astype(np.float16)


@lru_cache(maxsize=4)
def _projection(dimension: int) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(SEED).normal(size=(dimension, SIZE)) / np.sqrt(SIZE)
    return drawn.astype(np.float32)
