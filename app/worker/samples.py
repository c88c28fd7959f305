"""From labels to what the method trains on: a frozen plan per run, and `Sample`s made from it."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import refusal, training_data
from bgad_core.data import Sample
from storage import annotations, typed_masks
from storage.masks import decode_mask, marking
from storage.models import Annotation, Image, Project

CACHE_BYTES = 8 * 2**30  # of features, on disk
CALIBRATION_SHARE = 5  # every fifth normal, and at least two, calibrates the boundary and is never pulled


@dataclass(frozen=True)
class Plan:
    """What one run trains on, frozen at its first attempt so that a resumed run ends as an undisturbed one does.

    Attributes:
        normals, calibration: image ids, in the order of their content hashes.
        anomalies: (image id, annotation id).
        labels: (image id, annotation id) of the normals, calibration among them.
    """

    normals: list[int]
    calibration: list[int]
    anomalies: list[tuple[int, int]]
    labels: list[tuple[int, int]] = field(default_factory=list)


def plan_of(context: Context, project_id: int, folder: Path) -> Plan:
    """The run's plan: read from its folder, or made from the current labels and written there.

    Raises:
        Refused: the labels that the request was granted for are gone.
    """
    path = folder / "plan.json"
    if path.is_file():
        return Plan(**json.loads(path.read_text(encoding="utf-8")))
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        data = training_data(session, project_id)
        if (why := refusal(project, data)) is not None:
            raise Refused(why)
    calibration, normals = split([(image.sha256, image.id) for image in data.normals])
    labels = [(image.id, data.said[image.id].id) for image in data.normals]
    plan = Plan(normals, calibration, [(image.id, said.id) for image, said in data.anomalies], labels)
    write_json(path, asdict(plan))
    return plan


def split(normals: list[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """(calibration, training) ids: the fifth with the lowest content hashes calibrates.

    By hash, because that is as good as chance, needs no seed, and moves few images when others are added.
    """
    ordered = [image_id for _, image_id in sorted(normals)]
    count = max(2, len(ordered) // CALIBRATION_SHARE)
    return ordered[:count], ordered[count:]


def samples_of(context: Context, project_id: int, plan: Plan) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """(normals, anomalies, calibration) of a plan, their images copied to the local cache."""
    with context.database.read() as session:
        rows = {row.id: row for row in session.scalars(select(Image).where(Image.project_id == project_id))}
        said = {a: session.get_one(Annotation, a) for _, a in plan.anomalies}
        types = types_of(session, project_id)
        several = typed_masks.names_of(session, project_id)
    normals = [normal_sample(context, rows[i]) for i in plan.normals]
    calibration = [normal_sample(context, rows[i]) for i in plan.calibration]
    anomalies = [defect_sample(context, rows[i], said[a], types, several.get(a, ())) for i, a in plan.anomalies]
    return normals, anomalies, calibration


def normal_sample(context: Context, image: Image) -> Sample:
    """A normal part; its hash is that of the pixels that are trained on."""
    return Sample(path=local(context, image), abnormal=False, mask=None, defect_type=None, sha256=image.pixels)


def defect_sample(
    context: Context, image: Image, said: Annotation, types: dict[int, str], several: Sequence[str] = ()
) -> Sample:
    """A known defect, with its mask and its don't-care pixels where somebody drew them; `several` names its types."""
    own = types.get(said.defect_type_id or 0)
    return Sample(
        path=local(context, image),
        abnormal=True,
        mask=_marked(said.mask),
        defect_type=own,
        sha256=image.pixels,
        ignore=_marked(said.ignore),
        other_types=tuple(name for name in several if name != own),
    )


def _marked(png: bytes | None) -> np.ndarray | None:
    """A stored mask; none where it marks nothing, which would say that the defect is good everywhere."""
    return decode_mask(png) if png and marking(png) else None


def snapshot(context: Context, project_id: int, plan: Plan) -> dict[str, list]:
    """The plan by content, as a version keeps it: images and every label by hash, so that a change would show."""
    with context.database.read() as session:
        rows = session.execute(select(Image.id, Image.sha256).where(Image.project_id == project_id))
        hashes = {image_id: sha256 for image_id, sha256 in rows}
        types = types_of(session, project_id)
        said = {a: session.get_one(Annotation, a) for _, a in [*plan.anomalies, *plan.labels]}
        typed = typed_masks.of_labels(session, [a for _, a in plan.anomalies])
    return {
        "normals": [hashes[i] for i in plan.normals],
        "calibration": [hashes[i] for i in plan.calibration],
        "anomalies": [
            {"sha256": hashes[i], "annotation_id": a, "revision": said[a].revision} for i, a in plan.anomalies
        ],
        "labels": [
            {
                "sha256": hashes[i],
                "revision": said[a].revision,
                "label_sha256": label_digest(said[a], types, typed.get(a, {})),
            }
            for i, a in [*plan.labels, *plan.anomalies]
        ],
    }


def label_digest(said: Annotation, types: dict[int, str], typed: Mapping[str, bytes]) -> str:
    """One hash over what a label says: verdict, types, masks, who and when it was in the image's history."""
    facts = [said.verdict.value if said.verdict else None, types.get(said.defect_type_id or 0), said.revision, said.by]
    digest = hashlib.sha256(json.dumps(facts).encode() + (said.mask or b"") + (said.ignore or b""))
    for name, png in sorted(typed.items()):
        digest.update(json.dumps(name).encode() + png)
    return digest.hexdigest()


def types_of(session: Session, project_id: int) -> dict[int, str]:
    """Names of a project's defect types by id."""
    return {row.id: row.name for row in annotations.defect_types(session, project_id)}


def local(context: Context, image: Image) -> Path:
    """The image's pixels as a file of this machine."""
    return context.blobs.local_path(image.pixels, context.settings.home / "cache")


def write_json(path: Path, content: object) -> None:
    """Whole or not at all, whatever kills the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content), encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
