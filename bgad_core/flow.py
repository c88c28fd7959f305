"""The conditional normalising flow of one level (Sec. 3.1) and its log-likelihood (Eq. 1, 6)."""

import math

import FrEIA.framework as Ff
import FrEIA.modules as Fm
import numpy as np
import torch
from torch import Tensor, nn

from bgad_core.config import FlowConfig


class ConditionalFlow(nn.Module):
    """FrEIA's AllInOneBlock, `blocks` times, each conditioned on the position.

    Args:
        channels: d, the feature dimension.
        config: blocks, clamp, width of condition and subnets.
        seed: of the weights and of the fixed rotations between the blocks.
    """

    def __init__(self, channels: int, config: FlowConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.channels, self.config = channels, config

        def subnet(inputs: int, outputs: int) -> nn.Module:
            hidden = int(config.hidden * inputs)
            return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

        state = np.random.get_state()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # FrEIA draws its rotations from scipy, and that from NumPy's global state
            self.network = Ff.SequenceINN(channels)
            for _ in range(config.blocks):
                self.network.append(
                    Fm.AllInOneBlock,
                    cond=0,
                    cond_shape=(config.position_channels,),
                    subnet_constructor=subnet,
                    affine_clamping=config.clamp,
                    global_affine_type="SOFTPLUS",
                    permute_soft=True,
                )
        np.random.set_state(state)

    def forward(self, features: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, d) and position embeddings (N, P) to latents z (N, d) and log |det J| (N,), in nats."""
        found: tuple[Tensor, Tensor] = self.network(features, [positions])
        return found

    def inverse(self, latents: Tensor, positions: Tensor) -> Tensor:
        """Latents (N, d) back to features (N, d)."""
        features: Tensor = self.network(latents, [positions], rev=True)[0]
        return features

    def log_p_nats(self, features: Tensor, positions: Tensor) -> Tensor:
        """log p(x) of Eq. 6, in nats, shape (N,); higher is more normal."""
        latents, log_det = self(features, positions)
        return log_likelihood(latents, log_det)


def log_likelihood(latents: Tensor, log_det: Tensor) -> Tensor:
    """Eq. 6: the standard normal's log density at z (N, d) plus log |det J| (N,), in nats, shape (N,)."""
    dimension = latents.shape[1]
    return -0.5 * dimension * math.log(2 * math.pi) - 0.5 * (latents * latents).sum(dim=1) + log_det


def positional_encoding_2d(channels: int, height: int, width: int) -> Tensor:
    """2D sinusoidal embedding of each cell of a grid, shape (height * width, channels), rows first.

    The first half of the channels tells the column, the second the row, each as pairs of sine and cosine of
    geometrically falling frequencies.

    Raises:
        ValueError: `channels` is no multiple of 4.

    Source: Sec. 3.1, after CFLOW-AD; the frequencies of "Attention is all you need".
    """
    if channels % 4:
        raise ValueError(f"{channels} position channels are no multiple of 4: each axis takes pairs of sine and cosine")
    half = channels // 2
    frequency = torch.exp(torch.arange(0, half, 2, dtype=torch.float32) * -(math.log(10_000.0) / half))

    def axis(length: int) -> Tensor:
        angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
        return torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(length, half)

    columns = axis(width)[None].expand(height, width, half)
    rows = axis(height)[:, None].expand(height, width, half)
    return torch.cat([columns, rows], dim=-1).reshape(height * width, channels)
