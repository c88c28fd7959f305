"""Labels that the boundary or nobody's second look vouches for, and a second person's word on them."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from sqlalchemy import select

from app.services import heat
from app.services.access import annotation_of, project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, audit, images, label_reviews, scores, versions
from storage.label_reviews import Who
from storage.masks import decode_mask
from storage.models import Annotation, Image, Role, Score, Standing, Verdict, Version

MOST = 200  # the latest defects whose masks are held against the boundary
OVERLAP = 0.1  # a mask and the region below b_n that share less than this of their union lie apart


@dataclass(frozen=True)
class Suspect:
    """One label to look at again; `reason` says what speaks against it, "" when nobody has looked yet."""

    image_id: int
    annotation_id: int
    name: str
    verdict: Verdict
    defect_type: str | None
    by: str
    score: float | None
    reason: str


def suspects(context: Context, actor: Actor, project_slug: str, *, who: Who = "all", limit: int = 60) -> list[Suspect]:
    """Labels that the deciding version's boundary speaks against, strongest doubt first; reviewed ones are left out.

    A doubt is a question, no verdict: a normal part beyond b_a, a defect whose marked places all lie above b_n, a mask
    that hardly meets any region below b_n.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        version = versions.deciding_version(session, project.id)
        if version is None:
            return []
        query = (
            select(Annotation, Image, Score)
            .join(Image, Image.id == Annotation.image_id)
            .join(Score, (Score.image_id == Image.id) & (Score.version_id == version.id))
            .where(Annotation.project_id == project.id, annotations.is_current(Annotation))
            .where(~label_reviews.is_reviewed(), label_reviews.said_by(who))
        )
        beyond = query.where(Annotation.verdict == Verdict.normal, Score.standing == Standing.defect)
        normals = session.execute(beyond.order_by(Score.score.desc()).limit(limit)).all()
        marked = query.where(Annotation.verdict == Verdict.defect, Annotation.mask.is_not(None))
        defects = session.execute(marked.order_by(Annotation.id.desc()).limit(MOST)).all()
        types = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
    found = [(*row, f"labelled normal, but its score is {row[2].score:.2f}") for row in normals]
    doubts = [(*row, _doubt(context, version, row[0], row[2])) for row in defects]
    found += [row for row in doubts if row[3]]
    return [_suspect(said, image, score, types, reason) for said, image, score, reason in found[:limit]]


def unseen(context: Context, actor: Actor, project_slug: str, *, who: Who = "people", limit: int = 60) -> list[Suspect]:
    """Standing labels of others that nobody has reviewed, the latest first; imported ones when asked for."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        version = versions.deciding_version(session, project.id)
        rows = label_reviews.unreviewed(session, project.id, but_of=actor.name, who=who, limit=limit)
        types = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
        return [
            _suspect(
                row,
                images.image(session, row.image_id),
                scores.score_of(session, version.id, row.image_id) if version else None,
                types,
                "",
            )
            for row in rows
        ]


def review_label(context: Context, actor: Actor, annotation_id: int, *, accepted: bool, reason: str = "") -> None:
    """Keep a second person's word on a label.

    Raises:
        Refused: it is their own label, or a rejection without a reason.
    """
    with context.database.write() as session:
        row = annotation_of(session, actor, annotation_id, Role.reviewer)
        if row.by == actor.name:
            raise Refused("this label is your own: a second person reviews it")
        if not accepted and not reason.strip():
            raise Refused("a rejection needs a reason: say what is wrong with the label")
        label_reviews.add_review(
            session, annotation_id=annotation_id, accepted=accepted, reason=reason.strip(), by=actor.name
        )
        details = {"annotation": annotation_id, "accepted": accepted, "reason": reason.strip()}
        audit.record(session, by=actor.name, action="review label", details=details, project_id=row.project_id)


def agreement(context: Context, actor: Actor, project_slug: str) -> dict[str, tuple[int, int]]:
    """(accepted, reviewed) labels by type."""
    with context.database.read() as session:
        return label_reviews.agreement(session, project_of(session, actor, project_slug, Role.reviewer).id)


def _suspect(said: Annotation, image: Image, score: Score | None, types: dict[int, str], reason: str) -> Suspect:
    assert said.verdict is not None
    kind = types.get(said.defect_type_id or 0)
    value = score.score if score else None
    return Suspect(image.id, said.id, image.name, said.verdict, kind, said.by, value, reason)


def _doubt(context: Context, version: Version, said: Annotation, score: Score) -> str:
    return mask_doubt(
        said.mask or b"",
        heat.read_map(context, score.maps, heat.FUSED, heat.levels_of(version)),
        heat.scale_of(version),
    )


def mask_doubt(mask_png: bytes, log_p: np.ndarray, scale: heat.Scale) -> str:
    """What a log-likelihood map (h, w) says against a mask of a defect; "" when nothing."""
    mask = _at(mask_png, log_p.shape[1], log_p.shape[0])
    lowest = float(log_p[mask].min())
    if lowest >= scale.b_n:
        return f"no marked place lies below b_n: the lowest is {lowest:.2f}, b_n {scale.b_n:.2f}"
    below = log_p < scale.b_n
    share = float((mask & below).sum() / (mask | below).sum())
    return f"mask and the region below b_n share {share:.0%} of their area" if share < OVERLAP else ""


@lru_cache(maxsize=512)
def _at(mask_png: bytes, width: int, height: int) -> np.ndarray:
    """A mask on the map's grid: every cell that it touches."""
    mask = decode_mask(mask_png).astype(np.float32)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) > 0
