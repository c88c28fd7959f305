"""Does the bias check catch BGAD†, and leave BGAD alone? Trained on purpose on drawn parts: `make bench-bias`.

The check's own design: one run per type of defect leaves that type out, and a paired test holds what it stops of it
against a run that learnt from normal parts alone. Few pastes, as the paper has them: one for each known defect.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bgad_core.bias import HURTS, hurt
from bgad_core.config import BackboneConfig, BGADConfig, Variant, demo
from bgad_core.data import Sample, sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.scoring import score_files
from bgad_core.synthetic import DEFECTS, draw_part
from bgad_core.training import train

NORMALS, CALIBRATION, KNOWN, SIZE = 60, 30, 5, 128
VARIANTS: tuple[Variant, ...] = ("bgad", "bgad-full-push")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-bias.work"))
    parser.add_argument("--passes", type=int, default=30, help="of phase 2")
    parser.add_argument("--measured", type=int, default=40, help="defects of the type that is left out")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    base = replace(demo(BackboneConfig("resnet18", built_in=True)), size=SIZE)
    base = replace(base, training=replace(base.training, pastes=None, epochs_two=options.passes))
    parts = {
        kind: drawn(options.work / str(kind), kind, number, KNOWN + options.measured)
        for number, kind in enumerate([None, *DEFECTS])
    }
    alone = {kind: stops(base, parts, [], kind, options) for kind in DEFECTS}
    print(
        f"{KNOWN} known defects of each other type, {options.measured} of the one that is left out, "
        f"{options.passes} passes"
    )
    for variant in VARIANTS:
        for kind in DEFECTS:
            known = [sample for other in DEFECTS if other != kind for sample in parts[other][:KNOWN]]
            found = stops(replace(base, variant=variant), parts, known, kind, options)
            lost, gained, p = hurt(alone[kind], found)
            words = "warns" if p < HURTS else "does not warn"
            print(
                f"{variant:<15} without {kind:<8} stops {sum(found)}, normal parts alone {sum(alone[kind])}: "
                f"{lost} lost, {gained} gained, p = {p:.3f}, {words}",
                flush=True,
            )


def drawn(folder: Path, kind: str | None, seed: int, defects: int) -> list[Sample]:
    """Good parts, or parts with one type of defect and their masks."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(NORMALS + CALIBRATION if kind is None else defects):
        part = draw_part(rng, size=SIZE, defect_type=kind)
        path = folder / f"{number:03d}.png"
        cv2.imwrite(str(path), part.image[..., ::-1])
        samples.append(sample_of(path, abnormal=kind is not None, mask=part.mask if kind else None, defect_type=kind))
    return samples


def stops(
    config: BGADConfig,
    parts: dict[str | None, list[Sample]],
    known: list[Sample],
    kind: str,
    options: argparse.Namespace,
) -> list[bool]:
    """Whether a model that learnt from `known` stops each measured defect of a type, by its own boundary."""
    work: Path = options.work / "training"
    model = train(
        config, normals=parts[None][:NORMALS], anomalies=known, calibration=parts[None][NORMALS:], folder=work / "run",
        phase_one_folder=work, cache=FeatureCache(work / "features"), device="cpu", threads=options.threads,
    )  # fmt: skip
    measured = [sample.path for sample in parts[kind][KNOWN:]]
    return [result.standing != "normal" for result in score_files(model, measured)]


if __name__ == "__main__":
    main()
