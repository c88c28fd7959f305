"""A bundle at work: an image in; score, decision, regions and map out. A higher score is more abnormal."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.services.errors import Refused
from app.services.pictures import BadPicture, read_pixels
from app.serving.bundle import SELF_TEST, Bundle, open_bundle
from app.serving.engines import engine_of
from bgad_core.standing import StandingName, lowest_of
from bgad_core.tiling import Seamless, cut, fitted, in_batches, layout_of

BATCH = 4  # tiles that pass the graph together
TOLERANCE = 1e-4  # of a score, between the tool and a bundle
MOST_REGIONS = 50


@dataclass(frozen=True)
class Region:
    """One place of a part that is stopped, in pixels of the image.

    Attributes:
        box: left, top, width, height.
        area: of the place itself, which does not fill its box.
        score: of its worst cell, on the part's scale.
    """

    box: tuple[int, int, int, int]
    area: int
    score: float


@dataclass(frozen=True)
class Scored:
    """What one image is.

    Attributes:
        score: in [0, 1), 0.5 exactly at the exported part's b_n.
        lowest: the lowest fused log-likelihood; higher is more normal.
        decision: "good", "look" or "defect", by the bundle's rule.
        standing: against the bundle's boundary, whatever the rule.
        regions: the worst first, at most `MOST_REGIONS`; none on a good part.
        fused: the map that all of it rests on, float32 (H, W).
        width, height: of the image, in pixels.
    """

    score: float
    lowest: float
    decision: str
    standing: StandingName
    regions: list[Region]
    fused: np.ndarray
    width: int
    height: int


class Scorer:
    """Scores images with a bundle whose self-test passed.

    Raises:
        Refused: no runtime, or the self-test differs.
    """

    def __init__(self, bundle: Bundle, *, engine: str = "auto", threads: int | None = None) -> None:
        self.bundle = bundle
        self.engine, self._run = engine_of(bundle, engine, threads=threads)
        self.tested = self._self_test()

    def score(self, image: np.ndarray) -> Scored:
        """Score uint8 RGB (H, W, 3) of any size, as the tool does: same tiles, same seams, same rounding."""
        bundle, fused = self.bundle, self.fused(image)
        lowest = lowest_of(fused)
        score = bundle.scale.score(lowest)
        decision = bundle.rule.decide(lowest, bundle.scale)
        height, width = image.shape[:2]
        return Scored(
            score=score,
            lowest=lowest,
            decision=decision,
            standing=bundle.rule.standing(lowest),
            regions=[] if decision == "good" else self._regions(fused, (width, height)),
            fused=fused,
            width=width,
            height=height,
        )

    def fused(self, image: np.ndarray) -> np.ndarray:
        """The fused map of an image, float32, as many cells as the image needs."""
        config, preprocessing = self.bundle.config, self.bundle.manifest["preprocessing"]
        layout = layout_of(image.shape[:2], config, preprocessing["multiple"], overlap=preprocessing["overlap"])
        whole = Seamless(layout, preprocessing["cells"], 1)
        for first, tiles in in_batches(cut(fitted(image, layout), layout), BATCH):
            for number, plane in enumerate(self._run(np.stack(tiles)), start=first):
                whole.add(number, plane[None])
        return whole.maps[0]

    def heat(self, scored: Scored) -> bytes:
        """A grey PNG of the image's size: 255 times each place's score, so that 128 is the boundary."""
        scale = self.bundle.scale
        below = np.maximum(0.0, (scale.median - scored.fused) / (scale.median - scale.b_n))
        plane = cv2.resize(below, (scored.width, scored.height), interpolation=cv2.INTER_LINEAR)
        done, data = cv2.imencode(".png", (255 * plane / (1 + plane)).astype(np.uint8))
        if not done:
            raise ValueError(f"a map of {scored.width}x{scored.height} could not be encoded")
        return data.tobytes()

    def _regions(self, fused: np.ndarray, size: tuple[int, int]) -> list[Region]:
        plane = fused.round(4)  # as `lowest_of`
        below = (plane < np.float32(self.bundle.rule.level(self.bundle.scale))).astype(np.uint8)
        below.flat[int(plane.argmin())] = 1  # the place that stopped the part, whatever the last bit says
        count, labels, stats, _ = cv2.connectedComponentsWithStats(below, connectivity=8)
        across, down = size[0] / fused.shape[1], size[1] / fused.shape[0]
        found = []
        for number in range(1, count):
            left, top, width, height, cells = (int(value) for value in stats[number])
            corners = [round(value) for value in (left * across, top * down)]
            ends = [round(value) for value in ((left + width) * across, (top + height) * down)]
            box = (corners[0], corners[1], ends[0] - corners[0], ends[1] - corners[1])
            score = self.bundle.scale.score(lowest_of(plane[labels == number]))
            found.append(Region(box, round(cells * across * down), score))
        return sorted(found, key=lambda region: -region.score)[:MOST_REGIONS]

    def _self_test(self) -> int:
        """Score the bundle's own images and hold them against what the tool gave them; returns how many."""
        kept = json.loads(self.bundle.read(SELF_TEST))["images"]
        for row in kept:
            try:
                lowest = lowest_of(self.fused(read_pixels(self.bundle.read(row["file"]))))
            except BadPicture as bad:
                raise Refused(f"{row['file']} of the bundle {bad}: export it again") from None
            score = self.bundle.scale.score(lowest)
            decision = self.bundle.exported.decide(lowest, self.bundle.scale)
            if abs(score - row["score"]) > TOLERANCE or decision != row["decision"]:
                raise Refused(
                    f"{self.bundle.name} does not score here as it did in the tool: {row['file']} got {score:.6f} "
                    f"({decision}) with {self.engine}, and {row['score']:.6f} ({row['decision']}) there. It is not "
                    "used; try the other --engine, or export it again with this release"
                )
        return len(kept)


def open_scorer(path: Path, *, engine: str = "auto", threads: int | None = None) -> Scorer:
    """Open a bundle, check its digests, run its self-test.

    Raises:
        Refused: any of it fails.
    """
    return Scorer(open_bundle(path), engine=engine, threads=threads)
