"""What was said of an image before, by whom and on what score; any of it can stand again."""

from dataclasses import dataclass
from datetime import datetime

from app.services.access import image_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, label_reviews, typed_masks, versions
from storage.models import Annotation, Role, Verdict


@dataclass(frozen=True)
class Entry:
    """One revision of a label; `version` and `score` are what the person saw, None when they saw none.

    `types` has the defect's own type first.
    """

    revision: int
    verdict: Verdict | None
    types: tuple[str, ...]
    marked: bool
    by: str
    at: datetime
    version: int | None
    score: float | None
    blind: bool
    review: str | None


def label_history(context: Context, actor: Actor, image_id: int) -> list[Entry]:
    """Every revision, the latest first."""
    with context.database.read() as session:
        image = image_of(session, actor, image_id, Role.viewer)
        past = annotations.history(session, image_id)
        types = {row.id: row.name for row in annotations.defect_types(session, image.project_id)}
        numbers = {row.id: row.number for row in versions.versions(session, image.project_id)}
        typed = typed_masks.of_labels(session, [row.id for row in past])
        reviews = label_reviews.reviews_of(session, [row.id for row in past])
    said = {i: f"{'accepted' if row.accepted else 'rejected'} by {row.by}" for i, row in reviews.items()}
    return [
        Entry(
            revision=row.revision,
            verdict=row.verdict,
            types=tuple(dict.fromkeys(filter(None, [types.get(row.defect_type_id or 0), *typed.get(row.id, ())]))),
            marked=row.mask is not None,
            by=row.by,
            at=row.created_at,
            version=numbers.get(row.version_id or 0),
            score=row.score,
            blind=bool(row.blind),
            review=said.get(row.id),
        )
        for row in past
    ]


def restore(
    context: Context, actor: Actor, image_id: int, *, revision: int, expected_revision: int, client_id: str
) -> Annotation:
    """Let an earlier revision stand again, as a new one by this person.

    Raises:
        Refused: there is no such revision.
        Conflict: somebody saved another in between.
    """
    with context.database.write() as session:
        image = image_of(session, actor, image_id, Role.inspector)
        row = next((one for one in annotations.history(session, image_id) if one.revision == revision), None)
        if row is None:
            raise Refused(f"image {image_id} has no revision {revision}: reload the page")
        types = {kind.id: kind.name for kind in annotations.defect_types(session, image.project_id)}
        return annotations.save_annotation(
            session,
            image_id=image_id,
            verdict=row.verdict,
            defect_type=types.get(row.defect_type_id or 0),
            mask=row.mask,
            ignore=row.ignore,
            typed=typed_masks.of_label(session, row.id),
            by=actor.name,
            client_id=client_id,
            expected_revision=expected_revision,
            version_id=row.version_id,
            score=row.score,
        )
