"""The frozen backbone: from images to one feature map per level (Sec. 3, "feature extractor")."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bgad_core.config import BackboneConfig, Precision
from bgad_core.errors import DeviceError, WeightsError
from bgad_core.narrow import narrowed

BUILT_IN_SEED = 20230617  # the built-in network is the same everywhere; only its normalisation is the project's


def resolve_device(name: str) -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU; a device asked for by name has to be there.

    Raises:
        DeviceError: it is not.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    kind = name.partition(":")[0]
    if not there.get(kind, False):
        has = ", ".join(kind for kind, found in there.items() if found)
        raise DeviceError(f"device {name!r} was asked for, this machine has {has}: set BGAD_DEVICE to one of them")
    return torch.device(name)


class FeatureExtractor(nn.Module):
    """A timm model with `features_only`, frozen, in evaluation mode.

    Args:
        config: which model, and where its weights come from. There is no silent fall-back between the three.
        device: where it runs.

    Attributes:
        channels: C of each level.
        strides: pixels per cell of each level.

    Raises:
        WeightsError: unknown model, or weights that cannot be had or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: BackboneConfig, device: torch.device | str = "cpu") -> None:
        super().__init__()
        self.config = config
        self.network = _network(config)
        info: Any = self.network.feature_info
        self.channels: list[int] = list(info.channels())
        self.strides: list[int] = list(info.reduction())
        mean, std = _normalisation(self.network)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval().to(device)
        self._narrow: Callable[[Tensor], Sequence[Tensor]] | None = None  # made of the weights when first needed
        # torch's, without types; called on a class of ours, it's none that `untyped_calls_exclude` spares
        self.register_load_state_dict_post_hook(lambda module, keys: module.renew())  # type: ignore[no-untyped-call]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, S, S), RGB in [0, 1], to one map (B, C, H, W) per level, float32 whatever the precision."""
        shown = (images - self.mean) / self.std
        if self.config.precision == "float32":
            return list(self.network(shown))
        if self._narrow is None:
            self._narrow = narrowed(self.network)
        return list(self._narrow(shown))

    def renew(self) -> None:
        """The network's weights changed: what was made of them is made again."""
        self._narrow = None

    def train(self, mode: bool = True) -> "FeatureExtractor":
        """Stay in evaluation mode, whatever the model around it does: a frozen backbone's statistics never move."""
        return super().train(False)

    def calibrate(self, batches: Sequence[Tensor]) -> None:
        """Set the batch normalisation of the built-in network to the statistics of these images (B, 3, S, S).

        An untrained network with the statistics of nothing saturates after a few layers; with those of the project's
        normals each layer sees values of mean 0 and deviation 1.
        """
        norms = [module for module in self.network.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over the batches
            norm.train()
        with torch.inference_mode():
            for images in batches:
                self.network((images.to(self.mean.device) - self.mean) / self.std)
        self.eval()
        self.renew()

    def digest(self) -> str:
        """SHA-256 over name, levels, precision and every weight: what a checkpoint and a cached feature belong to."""
        digest = hashlib.sha256(f"{self.config.name} {self.config.out_indices}".encode())
        if self.config.precision != "float32":
            digest.update(self.config.precision.encode())
        for name, value in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def fast_precision(device: torch.device) -> Precision:
    """bfloat16 where the device multiplies it in hardware, else float32: what a new version is made in unless told."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float32"
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"


def as_batch(images: Sequence[np.ndarray], device: torch.device | str = "cpu") -> Tensor:
    """uint8 images (S, S, 3) as one float tensor (B, 3, S, S) in [0, 1]."""
    return torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float().div_(255.0)


def _network(config: BackboneConfig) -> nn.Module:
    if config.built_in:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(BUILT_IN_SEED)
            return _create(config, pretrained=False)
    if config.weights is None:
        return _create(config, pretrained=True)
    path = Path(config.weights)
    if not path.is_file():
        raise WeightsError(f"the weights file {path} does not exist: set BGAD_WEIGHTS to a safetensors file")
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"the weights file {path} cannot be read as safetensors ({error})") from error
    network = _create(config, pretrained=False)
    wrong = [key for key, value in network.state_dict().items() if key not in state or state[key].shape != value.shape]
    if wrong:
        raise WeightsError(
            f"the weights file {path.name} does not fit {config.name}: {len(wrong)} tensors are missing or of another "
            f"shape, first {wrong[0]}; name the backbone that the file was made for"
        )
    network.load_state_dict(state, strict=False)  # a classifier's head may be left over; nothing may be missing
    return network


def _create(config: BackboneConfig, *, pretrained: bool) -> nn.Module:
    if config.name not in timm.list_models():
        raise WeightsError(f"timm {timm.__version__} has no model {config.name!r}: see timm.list_models()")
    try:
        return timm.create_model(config.name, pretrained=pretrained, features_only=True, out_indices=config.out_indices)
    except RuntimeError as error:
        raise WeightsError(f"{config.name} gives no feature levels {config.out_indices} ({error})") from error
    except Exception as error:  # the hub's client raises many kinds; each means that the weights cannot be had
        raise WeightsError(
            f"timm's hub did not give the weights of {config.name} ({type(error).__name__}): connect this machine, "
            "or set BGAD_WEIGHTS to a safetensors file, or choose the built-in backbone (--built-in)"
        ) from error


def _normalisation(network: nn.Module) -> tuple[tuple[float, ...], tuple[float, ...]]:
    config = getattr(network, "pretrained_cfg", None) or getattr(network, "default_cfg", None) or {}
    return tuple(config.get("mean", (0.485, 0.456, 0.406))), tuple(config.get("std", (0.229, 0.224, 0.225)))
