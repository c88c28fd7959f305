"""A bundle as a version of this installation, which scores its images and decides on them as the bundle does."""

import json
import os
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.services.access import project_of
from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from app.services.impact import let_decide
from app.services.operating import keep_point
from app.serving.bundle import BACKBONE, DECISION, MODEL, SELF_TEST, VERSION, Bundle, open_bundle
from app.serving.scorer import TOLERANCE
from app.worker.edited import edits_of, require_as_the_model
from bgad_core.model import BGAD
from bgad_core.scoring import score_files
from storage import audit, images, versions
from storage.models import Project, Role, Run, RunState, Version, now
from storage.stores import write_atomically


def import_bundle(
    context: Context, actor: Actor, path: Path, *, name: str, tell: Callable[[str], None] = lambda line: None
) -> Version:
    """Add a bundle's version to the project of that name, which is made where there is none; a first one decides.

    Args:
        tell: gets a sentence each on what was edited in the bundle; the audit trail keeps them.

    Raises:
        Refused: a damaged bundle, one that says other things than its weights, another backbone or size than the
            project's, a version that is here already, or one that scores otherwise here.
        CheckpointError, WeightsError: the model or its backbone cannot be loaded.
    """
    bundle = open_bundle(path)
    with context.database.read() as session:
        require(session, actor, Role.engineer)
    settings = _settings(context, bundle)
    with context.database.read() as session:
        project = images.project_by_slug(session, images.slug_of(name))
    if project is not None:
        _fits(project, settings)
        settings = project.settings
    checkpoint, edits = bundle.read(MODEL), edits_of(bundle)
    _self_test(context, bundle, checkpoint, settings["weights"])
    key = context.blobs.put(checkpoint)
    facts = json.loads(bundle.read(VERSION))
    point = facts.pop("operating_point")
    with context.database.write() as session:
        if project is None:
            project = images.create_project(session, name=name.strip(), settings=settings)
        project = project_of(session, actor, project.slug, Role.engineer)
        here = next((v for v in versions.versions(session, project.id) if v.checkpoint == key), None)
        if here is not None:
            edited = f", and its edited {DECISION} was not taken over: set what decides on the Operating point page"
            raise Refused(
                f"{bundle.name} is in {project.slug} already, as v{here.number}{edited if edits.told else ''}"
            )
        run = Run(
            id=str(uuid.uuid4()), project_id=project.id, kind="import", state=RunState.done, by=actor.name,
            reason=f"{bundle.name} from a bundle", arguments={"bundle": path.name}, finished_at=now(),
        )  # fmt: skip
        session.add(run)
        session.flush()
        added = versions.add_version(
            session, project_id=project.id, run_id=run.id, parent_id=None, checkpoint=key, **facts
        )
        for given in filter(None, (point, edits.point)):
            keep_point(session, added, by=actor.name, reason=given.pop("reason", ""), facts=given)
        details = {"version": added.number, "bundle": bundle.name, "checkpoint": key, "edited": edits.told}
        audit.record(session, by=actor.name, action="import version", details=details, project_id=project.id)
        if versions.deciding_version(session, project.id) is None:
            let_decide(session, added, by=actor.name, reason="the first version")
    for line in edits.told:
        tell(line)
    return added


def _settings(context: Context, bundle: Bundle) -> dict[str, Any]:
    """The project settings that the bundle's version needs; its backbone's weights are kept under the home."""
    backbone, weights = bundle.config.backbone, None
    if not backbone.built_in:
        weights = context.settings.home / "weights" / f"{bundle.manifest['backbone_sha256']}.safetensors"
        if not weights.is_file():
            weights.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(weights, bundle.read(BACKBONE))
    return {
        "backbone": backbone.name,
        "weights": str(weights) if weights else None,
        "built_in": backbone.built_in,
        "size": bundle.config.size,
        "tile": bundle.config.tile,
    }


def _fits(project: Project, wanted: dict[str, Any]) -> None:
    for what in ("backbone", "built_in", "size", "tile"):
        if (has := project.settings.get(what)) != wanted[what]:
            raise Refused(
                f"the bundle's {what} is {wanted[what]}, that of project {project.slug} is {has}: "
                "import it into a project of its own"
            )


def _self_test(context: Context, bundle: Bundle, checkpoint: bytes, weights: str | None) -> None:
    """Score the bundle's images with the exact model, on this installation's device."""
    kept = json.loads(bundle.read(SELF_TEST))["images"]
    with tempfile.TemporaryDirectory(prefix="bgad-import-") as folder:
        file = Path(folder) / MODEL
        file.write_bytes(checkpoint)
        model = BGAD.load(file, device=context.settings.device, weights=weights)
        require_as_the_model(bundle, model)
        paths = []
        for number, row in enumerate(kept):
            paths.append(Path(folder) / f"{number}{os.path.splitext(row['file'])[1]}")
            paths[-1].write_bytes(bundle.read(row["file"]))
        for row, result in zip(kept, score_files(model, paths, batch_size=1), strict=True):
            if abs(result.score - row["score"]) > TOLERANCE:
                raise Refused(
                    f"{bundle.name} does not score here as it did: {row['file']} got {result.score:.6f}, and "
                    f"{row['score']:.6f} where it came from; it was not taken over. Is it the same release?"
                )
