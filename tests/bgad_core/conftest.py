"""Tiny parts, a tiny backbone and one trained model: what the law tests share."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from bgad_core.config import BackboneConfig, BGADConfig, FlowConfig, ScoringConfig, TrainingConfig
from bgad_core.data import Sample, sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.model import BGAD
from bgad_core.training import Progress, train

SIZE = 64
BACKBONE = BackboneConfig("test_resnet", built_in=True, out_indices=(1, 2))  # 32 and 48 channels on 16x16 and 8x8 cells


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Bit-equality is promised for the same number of threads, and the tests share the machine."""
    torch.set_num_threads(1)


def tiny_config(**changes: Any) -> BGADConfig:
    """Two levels, two blocks, three passes of phase 1 and two of phase 2."""
    settings: dict[str, Any] = {
        "size": SIZE,
        "smoothing": 3,
        "whitening": "full",
        "flow": FlowConfig(blocks=2, position_channels=8, hidden=1.0),
        "training": TrainingConfig(
            epochs_one=3,
            epochs_two=2,
            positions=(64, 32),
            images_per_batch=4,
            batch=128,
            rate=2e-3,
            warm_up=1,
            pastes=6,
        ),
        "scoring": ScoringConfig(blur=0.7),
    }
    return BGADConfig(BACKBONE, **{**settings, **changes})


def texture(seed: int, *, size: int = SIZE) -> np.ndarray:
    """A grey part with grain, uint8 RGB: bright square on a dark ground."""
    rng = np.random.default_rng(seed)
    image = np.full((size, size, 3), 30.0)
    image[size // 8 : -size // 8, size // 8 : -size // 8] = 150.0
    return np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)


def scratched(seed: int, *, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """A part with a bright scratch of 4 pixels, and its mask, bool (H, W)."""
    image, mask = texture(seed, size=size), np.zeros((size, size), dtype=np.uint8)
    rng = np.random.default_rng(seed)
    start, end = rng.integers(size // 4, size - size // 4, (2, 2))
    cv2.line(mask, start.tolist(), end.tolist(), 1, 4)
    image[mask > 0] = (250, 240, 60)
    return image, mask > 0


def write_png(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


@dataclass(frozen=True)
class Parts:
    """Samples on disk: normals to learn from, normals to calibrate on, masked defects."""

    normals: list[Sample]
    calibration: list[Sample]
    anomalies: list[Sample]


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("parts")
    goods = [sample_of(write_png(folder / f"good{seed}.png", texture(seed))) for seed in range(9)]
    defects = []
    for seed in (100, 101):
        image, mask = scratched(seed)
        path = write_png(folder / f"scratch{seed}.png", image)
        defects.append(sample_of(path, abnormal=True, mask=mask, defect_type="scratch"))
    return Parts(goods[:6], goods[6:], defects)


@dataclass
class Run:
    """Trains in one folder, as one job of the product does; keeps what was reported."""

    parts: Parts
    home: Path
    reported: list[Progress]

    def __call__(
        self,
        config: BGADConfig,
        *,
        run: str = "run",
        should_stop: Callable[[], bool] = lambda: False,
        **changes: Any,
    ) -> BGAD:
        self.reported.clear()
        samples = {
            name: changes.pop(name, getattr(self.parts, name)) for name in ("normals", "anomalies", "calibration")
        }
        assert not changes, changes
        return train(
            config,
            **samples,
            folder=self.home / run,
            phase_one_folder=self.home / "phase-one",
            cache=FeatureCache(self.home / "features"),
            device="cpu",
            progress=self.reported.append,
            should_stop=should_stop,
        )

    def passes(self, phase: str) -> list[Progress]:
        """The steps of a phase that were trained, not reused."""
        return [step for step in self.reported if step.phase == phase and step.loss is not None]


@pytest.fixture
def run(parts: Parts, tmp_path: Path) -> Run:
    return Run(parts, tmp_path, [])


@pytest.fixture(scope="session")
def trained(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> BGAD:
    """A model through both phases; tests must not change it."""
    return Run(parts, tmp_path_factory.mktemp("trained"), [])(tiny_config())


def state_of(model: BGAD) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def same_state(first: BGAD, second: BGAD) -> bool:
    """Bit for bit: flows, statistics, backbone and boundaries."""
    one, two = state_of(first), state_of(second)
    equal = one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)
    return equal and first.boundaries == second.boundaries


def with_training(config: BGADConfig, **changes: Any) -> BGADConfig:
    return replace(config, training=replace(config.training, **changes))
