"""BGAD: the frozen extractor, a flow and a boundary per level, and the constants that turn them into one score."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bgad_core import checkpoint
from bgad_core.boundary import LevelBoundary, level_boundary
from bgad_core.config import BGADConfig
from bgad_core.errors import CheckpointError
from bgad_core.feature_cache import Features, shapes_of, smoothed
from bgad_core.features import FeatureExtractor, resolve_device
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on, fused_log_p_nats
from bgad_core.standing import lowest_of
from bgad_core.tiling import Seamless

FORMAT = 2
ROWS = 16_384  # feature vectors that pass a flow at once when nothing is learnt


class BGAD(nn.Module):
    """One model: `log_likelihoods` and `fused` are what scoring and the pages see.

    Attributes:
        config: what it was made with.
        boundaries: levels "1", "2", …, "fused", "part"; empty until calibrated.
    """

    def __init__(self, config: BGADConfig, extractor: FeatureExtractor) -> None:
        super().__init__()
        self.config, self.extractor = config, extractor
        self.boundaries: list[LevelBoundary] = []
        device = extractor.mean.device
        self.shapes = shapes_of(extractor, config)
        self.flows = nn.ModuleList(
            ConditionalFlow(channels, config.flow, seed=config.seed * 101 + level)
            for level, (channels, _, _) in enumerate(self.shapes)
        )
        for level, (channels, height, width) in enumerate(self.shapes):
            grid = positional_encoding_2d(config.flow.position_channels, height, width)
            if config.tile is not None:  # see `tiling`: a place is the same from whichever tile it is seen
                grid = torch.zeros_like(grid)
            self.register_buffer(f"grid{level}", grid, persistent=False)
            self.register_buffer(f"mean{level}", torch.zeros(channels))
            self.register_buffer(f"whitening{level}", torch.eye(channels))
        self.to(device)

    @property
    def device(self) -> torch.device:
        return self.extractor.mean.device

    def whitened(self, level: int, features: Tensor) -> Tensor:
        """Features (…, C) of one level as its flow sees them; see `BGADConfig.whitening`."""
        mean: Tensor = getattr(self, f"mean{level}")
        whitening: Tensor = getattr(self, f"whitening{level}")
        return (features.float() - mean) @ whitening

    def log_p_nats(self, level: int, features: Tensor, cells: Tensor) -> Tensor:
        """log p of features (N, C) of one level at the given cells (N,) of its grid, nats, shape (N,).

        The constant log-determinant of the whitening is left out: it moves every value of a level alike.
        """
        flow: ConditionalFlow = self.flows[level]  # type: ignore[assignment]
        where = cells_on(getattr(self, f"grid{level}"), self.shapes[level][2], cells)
        return fused_log_p_nats(flow, self.whitened(level, features), where)

    def normalised(self, level: int, log_p_nats: Tensor) -> Tensor:
        """log_p: nats per feature dimension over alpha_n (Sec. 3.3)."""
        return log_p_nats / (self.shapes[level][0] * self.config.boundary.alpha_n)

    @torch.inference_mode()
    def level_maps(self, level: int, features: Tensor) -> Tensor:
        """log_p of whole maps: features (B, H*W, C) of one level to (B, H, W)."""
        _, height, width = self.shapes[level]
        images, cells, _ = features.shape
        rows = features.reshape(images * cells, -1)
        where = torch.arange(cells, device=rows.device).repeat(images)
        parts = [
            self.log_p_nats(level, rows[start : start + ROWS].float(), where[start : start + ROWS])
            for start in range(0, len(rows), ROWS)
        ]
        return self.normalised(level, torch.cat(parts)).reshape(images, height, width)

    @torch.inference_mode()
    def log_likelihoods(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, S, S) in [0, 1] to one map (B, H, W) of log_p per level; higher is more normal."""
        return [self.level_maps(level, rows) for level, rows in enumerate(self.feature_rows(images))]

    @torch.inference_mode()
    def feature_rows(self, images: Tensor) -> list[Tensor]:
        """Images (B, 3, S, S) in [0, 1] to their features (B, H*W, C) per level.

        They pass through half precision, as those of training and calibration did in the cache.
        """
        maps = smoothed(self.extractor(images), self.config.smoothing)
        return [level.permute(0, 2, 3, 1).flatten(1, 2).half() for level in maps]

    @property
    def length(self) -> int:
        """Values of one image's features, all levels one after the other: what the feature cache holds of it."""
        return sum(channels * height * width for channels, height, width in self.shapes)

    def rows_of(self, vectors: Tensor) -> list[Tensor]:
        """The cache's vectors (B, `length`) as features (B, H*W, C) per level."""
        parts = vectors.split([channels * height * width for channels, height, width in self.shapes], dim=1)
        return [part.unflatten(1, (-1, shape[0])) for part, shape in zip(parts, self.shapes, strict=True)]

    def fused(self, levels: Sequence[Tensor]) -> Tensor:
        """The levels' maps (B, H, W) as one, at the finest level's grid, (B, H, W); higher is more normal.

        "standardised": each level as (log_p - median) / spread of its calibration normals, so that -1 is its b_n,
        averaged over the levels. "likelihood": the mean over levels of exp(nats per dimension - reference), the
        reference being the calibration normals' median: a constant of the version, where the authors' code takes the
        maximum over the test set.
        """
        size = tuple(self.shapes[0][1:])
        chosen = self.config.scoring.levels or tuple(range(1, len(levels) + 1))
        total = torch.zeros_like(levels[0])
        for number in chosen:
            boundary, plane = self.boundary(str(number)), levels[number - 1]
            plane = F.interpolate(plane[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
            if self.config.scoring.fusion == "standardised":
                total = total + (plane - boundary.median) / boundary.spread
            else:
                total = total + ((plane - boundary.median) * self.config.boundary.alpha_n).exp()
        return _blurred(total / len(chosen), self.config.scoring.blur)

    def boundary(self, level: str) -> LevelBoundary:
        """The stored boundary of a level.

        Raises:
            CheckpointError: the model was not calibrated.
        """
        for boundary in self.boundaries:
            if boundary.level == level:
                return boundary
        raise CheckpointError(f"the model has no boundary for level {level!r}: it was never calibrated; train it again")

    @torch.inference_mode()
    def calibrate(self, normals: Features) -> None:
        """Fit the stored boundaries over the features of normals that were held out of the pull (Sec. 3.2).

        Per level over every cell of every image; "fused" over the fused maps' cells; "part" over the images' lowest
        fused values. Bit for bit the same for the same normals: no draw, a fixed order.
        """
        settings = self.config.boundary
        maps = [
            [self._map_of(normals, index, level).cpu().numpy() for index in range(len(normals))]
            for level in range(len(self.shapes))
        ]
        self.boundaries = [
            level_boundary(str(level + 1), _cared(normals, level, planes), beta=settings.beta, tau=settings.tau)
            for level, planes in enumerate(maps)
        ]
        margin = self._margin()
        fused = self._fused_of_images(normals, maps)
        whole = level_boundary("fused", np.concatenate(fused), beta=settings.beta, tau=margin)
        lowest = np.array([lowest_of(values) for values in fused if values.size])
        part = level_boundary("part", lowest, beta=settings.part_beta, tau=0.0)
        # With one calibration part, or equal ones, the lowest values have no spread: the cells' own keeps b_n below.
        least = 1e-3 * whole.spread
        b_n = min(part.b_n, whole.median - least)
        self.boundaries += [whole, replace(part, b_n=b_n, b_a=b_n - max(part.median - b_n, least))]

    def _fused_of_images(self, features: Features, maps: list[list[np.ndarray]]) -> list[np.ndarray]:
        """Per image the values of its fused map that nobody asked to ignore; `maps` by level and tile, (1, H, W)."""
        found, first = [], 0
        for layout in features.layouts:
            tiles = range(first, first + len(layout.places))
            whole = Seamless(layout, self.shapes[0][1], 2)
            for number, tile in enumerate(tiles):
                plane = self.fused([torch.from_numpy(level[tile]) for level in maps]).numpy()[0]
                spared = np.ones(plane.size, dtype=np.float32)
                spared[features.cared(tile, 0, np.arange(plane.size))] = 0.0
                whole.add(number, np.stack([plane, spared.reshape(plane.shape)]))
            found.append(whole.maps[0][whole.maps[1] == 0.0])
            first += len(layout.places)
        return found

    def _map_of(self, features: Features, index: int, level: int) -> Tensor:
        rows = torch.from_numpy(features.level(index, level).copy()).to(self.device)
        return self.level_maps(level, rows[None])

    def _margin(self) -> float:
        """tau in the units of the fused map: the mean of what it is in each fused level's."""
        settings = self.config.boundary
        if self.config.scoring.fusion == "likelihood":
            return settings.tau
        chosen = self.config.scoring.levels or tuple(range(1, len(self.shapes) + 1))
        return float(np.mean([settings.tau / self.boundary(str(number)).spread for number in chosen]))

    def save(self, path: Path) -> None:
        """Write one safetensors file: flows, statistics, boundaries, config; the backbone's weights only if built in.

        Raises:
            CheckpointError: it cannot be written.
        """
        built_in = self.config.backbone.built_in
        tensors = {
            name: value for name, value in self.state_dict().items() if built_in or not name.startswith("extractor.")
        }
        facts = {
            "format": FORMAT,
            "config": self.config.to_dict(),
            "backbone_sha256": self.extractor.digest(),
            "boundaries": [asdict(boundary) for boundary in self.boundaries],
        }
        checkpoint.write(path, tensors, facts)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "auto", weights: str | None = None) -> "BGAD":
        """Read what `save` wrote.

        Args:
            path: the file.
            device: see `resolve_device`.
            weights: safetensors file with the backbone's weights, where it lies elsewhere than at training.

        Raises:
            CheckpointError: not a model of this format, or of another backbone than the weights at hand.
            WeightsError: the backbone's weights cannot be had.
        """
        path = Path(path)
        tensors, facts = checkpoint.read(path)
        if facts.get("format") != FORMAT:
            raise CheckpointError(f"{path.name} has format {facts.get('format')}, this release reads {FORMAT}: update")
        try:
            config = BGADConfig.from_dict(facts["config"])
            boundaries = [LevelBoundary(**values) for values in facts["boundaries"]]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path.name} lacks what a model needs ({error}): train it again") from error
        if weights and not config.backbone.built_in:
            config = replace(config, backbone=replace(config.backbone, weights=weights))
        extractor = FeatureExtractor(config.backbone, resolve_device(device))
        model = cls(config, extractor)
        _fill(model, tensors, path.name)
        if extractor.digest() != facts["backbone_sha256"]:
            raise CheckpointError(
                f"{path.name} was trained on other weights of {config.backbone.name} than those at hand: "
                "give the file that it was trained with (BGAD_WEIGHTS)"
            )
        model.boundaries = boundaries
        return model.eval()


def _cared(features: Features, level: int, planes: Sequence[np.ndarray]) -> np.ndarray:
    """The values of all maps (1, H, W) of a level that nobody asked to ignore, one after the other."""
    values = []
    for index, plane in enumerate(planes):
        flat = plane.ravel()
        values.append(flat[features.cared(index, level, np.arange(flat.size))])
    return np.concatenate(values)


def _fill(model: BGAD, tensors: dict[str, Tensor], name: str) -> None:
    expected = model.state_dict()
    wrong = [key for key, value in tensors.items() if key not in expected or expected[key].shape != value.shape]
    needed = [key for key in expected if not key.startswith("extractor.") and key not in tensors]
    if wrong or needed:
        raise CheckpointError(
            f"{name} does not fit {model.config.backbone.name}: {len(wrong) + len(needed)} tensors differ, "
            f"first {(wrong + needed)[0]}; it was made by another release or backbone"
        )
    model.load_state_dict(tensors, strict=False)


def _blurred(maps: Tensor, sigma: float) -> Tensor:
    """A separable Gaussian over maps (B, H, W), the border repeated."""
    if sigma == 0:
        return maps
    radius = max(1, round(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=maps.dtype, device=maps.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(maps[:, None], (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, kernel.view(1, 1, 1, -1))
    return F.conv2d(rows, kernel.view(1, 1, -1, 1))[:, 0]
