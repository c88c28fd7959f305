"""A version as a bundle that scores the same without the tool: `bgad-inspect export`."""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from app.services.context import Context
from app.services.errors import Refused
from app.serving.bundle import (
    BACKBONE,
    CERTIFICATE,
    DECISION,
    FORMAT,
    MANIFEST,
    MODEL,
    SELF_TEST,
    SUFFIX,
    VERSION,
    Bundle,
    Rule,
    Scale,
    open_bundle,
    rule_from,
)
from app.serving.scorer import TOLERANCE, Scorer
from app.worker.retrain import code_of
from app.worker.samples import local
from bgad_core.export import write_graph
from bgad_core.model import BGAD
from bgad_core.scoring import score_files
from bgad_core.tiling import OVERLAP
from storage import decisions, scores
from storage.errors import DamagedObject, NotFound
from storage.models import Image, OperatingPoint, Project, Version, now

IMAGES = 20
KEPT = ("histograms", "metrics", "snapshot", "known_anomalies", "device", "seconds", "config", "boundaries")


def export_version(
    context: Context, version: Version, out: Path, *, certificate: str, tell: Callable[[str], None] = lambda line: None
) -> Bundle:
    """Write a bundle to `out`, a new folder or a new `.bgad` file, after both runtimes passed its self-test.

    Args:
        certificate: the version's, as HTML.
        tell: gets a sentence for each image that cannot be read, and so is none of the self-test's.

    Raises:
        Refused: `out` exists, or no image was scored with the version, or a runtime scores otherwise.
        ExportError: see `write_graph`.
    """
    if out.exists():
        raise Refused(f"{out} exists already: name a new folder or {SUFFIX} file")
    if not out.resolve().parent.is_dir():
        raise Refused(f"the folder of {out} does not exist: make it first")
    with context.database.read() as session:
        project = session.get_one(Project, version.project_id)
        point = decisions.operating_point(session, version.id)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.resolve().parent))
    try:
        _fill(context, folder, project, version, point, certificate, tell)
        _check(folder)
        packed = _packed(folder) if out.suffix == SUFFIX else folder
        packed.chmod(0o755 if packed.is_dir() else 0o644)
        os.rename(packed, out)
    except OSError as error:
        raise Refused(f"{out} cannot be written ({error.strerror or error}): free some space there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return open_bundle(out)


def _fill(
    context: Context,
    folder: Path,
    project: Project,
    version: Version,
    point: OperatingPoint | None,
    certificate: str,
    tell: Callable[[str], None],
) -> None:
    checkpoint = context.blobs.local_path(version.checkpoint, context.settings.home / "cache")
    model = BGAD.load(checkpoint, device="cpu", weights=project.settings.get("weights"))
    shutil.copyfile(checkpoint, folder / MODEL)
    write_graph(model, folder)
    if not model.config.backbone.built_in:
        weights = {name: value.contiguous() for name, value in model.extractor.network.state_dict().items()}
        save_file(weights, folder / BACKBONE)
    (folder / CERTIFICATE).write_text(certificate, encoding="utf-8")
    decision = _decision(model, point)
    rule = rule_from(decision)
    facts = {name: getattr(version, name) for name in KEPT} | {"operating_point": _point(point)}
    _write(folder / VERSION, facts)
    tested = _self_test(context, folder, model, version, rule, tell)
    _write(folder / SELF_TEST, {"tolerance": TOLERANCE, "images": tested})
    _write(folder / MANIFEST, _manifest(folder, project, version, model, decision))
    _write(folder / DECISION, decision)


def _decision(model: BGAD, point: OperatingPoint | None) -> dict[str, Any]:
    part = model.boundary("part")
    stands = point is not None and point.promise != "boundary"
    return {
        "what": "Good from b_n up, defect below b_a, between them somebody looks. With an operating point instead: "
        "good up to the score `stop`, defect above `reject`. This file may be edited; no other may.",
        "boundary": {"b_n": part.b_n, "b_a": part.b_a},
        "operating_point": _point(point) if stands else None,
    }


def _point(point: OperatingPoint | None) -> dict[str, Any] | None:
    if point is None:
        return None
    names = ("promise", "alpha", "confidence", "stop", "reject", "evidence", "reason")
    return {name: getattr(point, name) for name in names}


def _manifest(
    folder: Path, project: Project, version: Version, model: BGAD, decision: dict[str, Any]
) -> dict[str, Any]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "format": FORMAT,
        "project": project.slug,
        "project_name": project.name,
        "version": version.number,
        "exported": now().isoformat(timespec="seconds"),
        "code": code_of(),
        **described(model),
        "decision": decision,
        "files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files},
    }


def described(model: BGAD) -> dict[str, Any]:
    """What a manifest says of a model: an import holds it against the weights."""
    mean, std = (value.flatten().tolist() for value in (model.extractor.mean, model.extractor.std))
    return {
        "backbone_sha256": model.extractor.digest(),
        "preprocessing": {
            "decode": "upright by EXIF, 8-bit RGB; 16 bits lose their lower eight, transparency is laid on black",
            "resize": "OpenCV INTER_AREA where a side shrinks, else INTER_LINEAR",
            "size": model.config.size,
            "tile": model.config.tile,
            "overlap": OVERLAP,
            "multiple": max(model.extractor.strides),
            "cells": model.shapes[0][1],
            "input": "uint8 (batch, size, size, 3)",
            "in the graph": {"scale": 255, "mean": mean, "std": std},
        },
        "config": model.config.to_dict(),
        "boundaries": [asdict(boundary) for boundary in model.boundaries],
        "scale": asdict(_scale(model)),
    }


def _self_test(
    context: Context, folder: Path, model: BGAD, version: Version, rule: Rule, tell: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Up to `IMAGES` images over the whole range of scores, as kept in the tool, with what the tool makes of them.

    None that stands on a line to within the tolerance: it would test the last bits, which nobody promises.
    """
    with context.database.read() as session:
        known = {row.image_id: row.score for row in scores.scores_of(session, version.id)}
        images = [session.get_one(Image, image_id) for image_id in sorted(known, key=lambda i: (known[i], i))]
    if not images:
        raise Refused(
            f"no image has been scored with v{version.number}: ingest one, so that the bundle can test itself"
        )
    steps = min(2 * IMAGES, len(images))
    drawn = (images[round(i * (len(images) - 1) / max(1, steps - 1))] for i in range(steps))
    chosen = [image for image in drawn if _readable(context, image, tell)]
    results = list(score_files(model, [local(context, image) for image in chosen], batch_size=1))
    clear = [pair for pair in zip(chosen, results, strict=True) if _clear(pair[1].lowest, model, rule)]
    kept = clear[:: max(1, -(-len(clear) // IMAGES))]
    rows, scale = [], _scale(model)
    (folder / "selftest").mkdir()
    for number, (image, result) in enumerate(kept):
        name = f"selftest/{number:02d}.png"
        (folder / name).write_bytes(context.blobs.get(image.pixels))
        decision = rule.decide(result.lowest, scale)
        rows.append({"file": name, "lowest": result.lowest, "score": result.score, "decision": decision})
    if not rows:
        raise Refused(
            f"every image of v{version.number} is damaged, or stands on its boundary to the last bits: ingest others"
        )
    return rows


def _readable(context: Context, image: Image, tell: Callable[[str], None]) -> bool:
    try:
        context.blobs.get(image.pixels)
    except (NotFound, DamagedObject) as error:
        tell(f"not in the self-test, {image.name}: {error}")
        return False
    return True


def _scale(model: BGAD) -> Scale:
    return Scale(model.boundary("fused").median, model.boundary("part").b_n)


def _clear(lowest: float, model: BGAD, rule: Rule) -> bool:
    scale = _scale(model)
    lines = [rule.stop, rule.reject] if rule.stop is not None else [scale.score(rule.b_n), scale.score(rule.b_a)]
    return all(abs(scale.score(lowest) - line) > 2 * TOLERANCE for line in lines if line is not None)


def _check(folder: Path) -> None:
    """Both runtimes have to score the bundle's images as the tool does, before anybody gets it."""
    bundle = open_bundle(folder)
    for engine in ("openvino", "onnxruntime"):
        Scorer(bundle, engine=engine)


def _packed(folder: Path) -> Path:
    """The folder as one zip inside of it; weights don't compress, so nothing is tried."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = folder / f"packed{SUFFIX}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
