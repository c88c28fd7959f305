"""Eq. 5, 8 and 9, and the focal weights that the authors' code puts on Eq. 5."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = -1.0  # Sec. 3.3: log-likelihoods below it are far out already and enter no BG-SPP loss


class Limits(Protocol):
    """A `Boundary`, or one whose two numbers are tensors () on the device that computes with them."""

    @property
    def b_n(self) -> float | Tensor: ...
    @property
    def b_a(self) -> float | Tensor: ...


def ml_loss(
    log_p_nats: Tensor, dimension: int, weights: Tensor | None = None, *, among: Tensor | None = None
) -> Tensor:
    """Maximum likelihood on normals, as the mean of -logsigmoid(log p / d); 0 without any.

    Args:
        log_p_nats: log p of normal features, nats, shape (N,).
        dimension: d.
        weights: of each feature, shape (N,), constants; None for 1.
        among: true for the features that count, shape (N,); None for all.

    Source: Eq. 5 with the authors' logsigmoid: it flattens for features that are likely enough already, where the
    plain negative log-likelihood would go on sharpening them at the cost of the rest.
    """
    losses = -F.logsigmoid(log_p_nats / dimension)
    losses = losses if weights is None else losses * weights
    if among is None:
        return losses.sum() / max(1, losses.numel())
    return torch.where(among, losses, 0.0).sum() / among.sum().clamp_min(1)


def bg_spp_loss(log_p: Tensor, mask: Tensor, boundary: Limits) -> Tensor:
    """Pull normal features above b_n, push abnormal ones below b_a, leave the rest alone.

    Args:
        log_p: normalised log-likelihoods (nats / feature dimension / alpha_n), shape (N,).
        mask: 1 where the feature is abnormal, 0 where it is normal, -1 in no loss, shape (N,).
        boundary: b_n and b_a, in units of `log_p`; constants, no gradient flows into them.

    Returns:
        Scalar >= 0, in units of `log_p`; 0.0 when no feature is on the wrong side.

    Raises:
        ValueError: `log_p` and `mask` differ in shape.

    Source: Eq. 8, averaged over the misplaced features of each side (the paper sums, so lambda would scale with N; the
    authors' mean is NaN on an empty side). Values below -1 are left out, as Sec. 3.3 says.

    One normal feature lies 0.2 below b_n, one abnormal one 0.3 above b_a; the others are where they belong.

    >>> from bgad_core.boundary import Boundary
    >>> log_p, mask = torch.tensor([-0.6, -0.1, -0.2, -0.8]), torch.tensor([0.0, 0.0, 1.0, 1.0])
    >>> round(bg_spp_loss(log_p, mask, Boundary(b_n=-0.4, b_a=-0.5)).item(), 3)
    0.5
    """
    if log_p.shape != mask.shape:
        raise ValueError(f"log_p is {tuple(log_p.shape)} and mask {tuple(mask.shape)}: one mask value per feature")
    abnormal, normal = mask > 0.5, mask.abs() < 0.5
    pull = torch.where(normal & (log_p > FLOOR), boundary.b_n - log_p, torch.zeros_like(log_p))
    push = torch.where(abnormal & (log_p > FLOOR), log_p - boundary.b_a, torch.zeros_like(log_p))
    return _mean_of_positive(pull) + _mean_of_positive(push)


def full_push_pull_loss(log_p: Tensor, mask: Tensor) -> Tensor:
    """BGAD-dagger (Table 6): every normal feature is pulled towards 0, every abnormal one pushed to -1.

    What BG-SPP must not do: without a boundary to stop at it bends the model to the defects that are known.
    """
    if log_p.shape != mask.shape:
        raise ValueError(f"log_p is {tuple(log_p.shape)} and mask {tuple(mask.shape)}: one mask value per feature")
    abnormal, normal = mask > 0.5, mask.abs() < 0.5
    zeros = torch.zeros_like(log_p)
    pull = torch.where(normal, log_p.abs(), zeros)
    push = torch.where(abnormal, (log_p - FLOOR).clamp_min(0.0), zeros)
    return pull.sum() / normal.sum().clamp_min(1) + push.sum() / abnormal.sum().clamp_min(1)


def focal_weights(log_p: Tensor) -> Tensor:
    """Weights of normal features: 1 where they are likely, more the less likely they are; constants, shape (N,).

    Args:
        log_p: normalised log-likelihoods, shape (N,).

    Source: the authors' published defaults, 11.7 (1 - p)^0.5 |log_p| below -0.2, p = exp(log_p).
    """
    log_p = log_p.detach()
    return torch.where(log_p > -0.2, torch.ones_like(log_p), 11.7 * (1 - log_p.exp()).clamp_min(0).sqrt() * log_p.abs())


def _mean_of_positive(values: Tensor) -> Tensor:
    positive = values.clamp_min(0.0)
    return positive.sum() / (positive > 0).sum().clamp_min(1)
