"""Many images at once: what looks calm in the gallery is marked normal together."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from app.services.access import image_of, project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, audit, scores, versions
from storage.models import Role, Verdict

MOST = 500


@dataclass(frozen=True)
class Marked:
    """How many were marked, and how many had got a label meanwhile and were left as they are."""

    marked: int
    left: int


def mark_normal(context: Context, actor: Actor, project_slug: str, image_ids: Sequence[int]) -> Marked:
    """Mark images normal that have no label, in one transaction; a label that somebody gave meanwhile stays.

    Raises:
        Refused: more than 500 at once, or one of another project.
    """
    if len(image_ids) > MOST:
        raise Refused(f"{len(image_ids)} images at once are more than {MOST}: mark them in parts")
    marked = 0
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.inspector)
        version = versions.deciding_version(session, project.id)
        for image_id in dict.fromkeys(image_ids):
            if image_of(session, actor, image_id, Role.inspector).project_id != project.id:
                raise Refused(f"image {image_id} is not in {project_slug}: nothing was marked")
            before = annotations.current_annotation(session, image_id)
            if before is not None and before.verdict is not None:
                continue
            seen = scores.score_of(session, version.id, image_id) if version else None
            annotations.save_annotation(
                session,
                image_id=image_id,
                verdict=Verdict.normal,
                defect_type=None,
                mask=None,
                by=actor.name,
                client_id=str(uuid.uuid4()),
                expected_revision=before.revision if before else 0,
                version_id=version.id if version and seen else None,
                score=seen.score if seen else None,
            )
            marked += 1
        details = {"images": marked}
        audit.record(session, by=actor.name, action="mark normal", details=details, project_id=project.id)
    return Marked(marked, len(set(image_ids)) - marked)
