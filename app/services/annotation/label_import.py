"""Labels in, from the files of other tools: saved all at once, and taken back all at once."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.annotation.import_plan import AS_WRITTEN, Change, Plan, Rules, plan_import
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, audit, label_imports, typed_masks
from storage.label_rows import LabelImport
from storage.models import Annotation, DefectType, Image, Role

MOST_LINES = 1000  # of what was skipped, as an import keeps it


def import_labels(
    context: Context, actor: Actor, project_slug: str, source: Path, *, format: str, rules: Rules = AS_WRITTEN
) -> Plan:
    """Plan an import and save it; what was done, with all that was left out and why.

    Raises:
        Refused: an unknown format, or the file is not of it.
        Conflict: somebody labelled one of the images meanwhile; nothing was saved.
    """
    plan = plan_import(context, actor, project_slug, source, format=format, rules=rules)
    save_import(context, actor, project_slug, plan)
    return plan


def save_import(context: Context, actor: Actor, project_slug: str, plan: Plan) -> int | None:
    """Save all that a plan changes, or, when somebody labelled one of its images since, nothing; the import's number.

    A label that stands already as it is in the file is left alone; another becomes the next revision.

    Returns:
        None when there is nothing to change.

    Raises:
        Conflict: see above; plan it again.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        if not plan.new:
            return None
        skipped = [{"image": each.image, "item": each.item, "why": each.text} for each in plan.skipped[:MOST_LINES]]
        row = label_imports.add(
            session, project_id=project.id, source=plan.source, format=plan.format, by=actor.name, skipped=skipped
        )
        for change in sorted(plan.new, key=lambda change: change.image_id):
            image = session.get(Image, change.image_id)
            if image is None or image.project_id != project.id:
                raise Refused(f"image {change.image_id} is not in {project_slug}: look at the file again")
            held_out = image.held_out
            label_imports.add_label(session, row, _saved(session, actor, change), held_out=held_out)
        details = {"import": row.id, "source": row.source, "labels": row.labels, "refused": len(plan.skipped)}
        audit.record(session, by=actor.name, action="import labels", details=details, project_id=project.id)
        return row.id


def undo_import(context: Context, actor: Actor, project_slug: str, import_id: int) -> tuple[int, list[str]]:
    """Let what stood before an import stand again, as new revisions.

    Returns:
        (labels taken back, names of the images that somebody has labelled since: those keep what they said).

    Raises:
        NotFound: the project has no such import.
        Conflict: it was undone already.
    """
    taken, kept = 0, []
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        row = label_imports.to_undo(session, import_id, project.id)
        for label, imported in label_imports.labels_of(session, import_id):
            current = annotations.current_annotation(session, label.image_id)
            if current is None or current.id != label.id:
                kept.append(session.get_one(Image, label.image_id).name)
                continue
            _taken_back(session, actor, label)
            if imported.held_out:
                label_imports.hold_out_again(session, label.image_id)
            taken += 1
        label_imports.close(row, by=actor.name)
        details = {"import": import_id, "labels": taken, "kept": len(kept)}
        audit.record(session, by=actor.name, action="undo import", details=details, project_id=project.id)
    return taken, kept


def imports_of(context: Context, actor: Actor, project_slug: str, *, limit: int = 20) -> Sequence[LabelImport]:
    """The imports of a project, the latest first."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        return list(label_imports.of_project(session, project.id, limit=limit))


def _saved(session: Session, actor: Actor, change: Change) -> Annotation:
    return annotations.save_annotation(
        session,
        image_id=change.image_id,
        verdict=change.label.verdict,
        defect_type=change.label.defect_type,
        mask=change.label.mask,
        ignore=change.label.ignore,
        typed=change.label.typed,
        by=actor.name,
        client_id=str(uuid.uuid4()),
        expected_revision=change.revision,
        version_id=None,
        score=None,
    )


def _taken_back(session: Session, actor: Actor, label: Annotation) -> None:
    """The revision before a label, as the next one; none withdraws it."""
    before = next((r for r in annotations.history(session, label.image_id) if r.revision == label.revision - 1), None)
    kind = session.get_one(DefectType, before.defect_type_id).name if before and before.defect_type_id else None
    annotations.save_annotation(
        session,
        image_id=label.image_id,
        verdict=before.verdict if before else None,
        defect_type=kind,
        mask=before.mask if before else None,
        ignore=before.ignore if before else None,
        typed=typed_masks.of_label(session, before.id) if before else None,
        by=actor.name,
        client_id=str(uuid.uuid4()),
        expected_revision=label.revision,
        version_id=before.version_id if before else None,
        score=before.score if before else None,
    )
