"""What the queue chooses from: for each purpose the first few images that wait for somebody, by an index.

A `cut` is the operating point that decides; None where the boundary does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from storage.annotations import IMPORT, is_current
from storage.leases import is_free
from storage.models import Annotation, Image, Score, Standing, Verdict
from storage.scores import Cut, stands


@dataclass(frozen=True)
class Candidate:
    """One image that could be shown; `descriptor` is float16 bytes, None where the version kept none."""

    image_id: int
    name: str
    score: float
    distance: float
    standing: Standing
    margin: float | None
    novelty: float | None
    descriptor: bytes | None
    held_out: bool
    verdict: Verdict | None = None


def likely_defects(
    session: Session, version_id: int, by: str, *, limit: int, cut: Cut | None = None
) -> list[Candidate]:
    """Those that are stopped, the most abnormal first."""
    query = _waiting(version_id, by).where(~stands(Standing.normal, cut))
    return _read(session, query.order_by(Score.score.desc(), Score.image_id).limit(limit))


def near_the_boundary(
    session: Session, version_id: int, by: str, *, limit: int, cut: Cut | None = None
) -> list[Candidate]:
    """The nearest to b_n, or to the score above which parts are stopped, first, on either side."""
    waiting = _waiting(version_id, by)
    if cut is None:
        return _read(session, waiting.order_by(Score.distance, Score.image_id).limit(limit))
    above = waiting.where(Score.score > cut.stop).order_by(Score.score, Score.image_id)
    below = waiting.where(Score.score <= cut.stop).order_by(Score.score.desc(), Score.image_id)
    found = [*_read(session, above.limit(limit)), *_read(session, below.limit(limit))]
    return sorted(found, key=lambda each: (abs(each.score - cut.stop), each.image_id))[:limit]


def new_kinds(session: Session, version_id: int, by: str, *, limit: int, cut: Cut | None = None) -> list[Candidate]:
    """Farther from everything labelled than labelled parts lie from each other, the farthest first."""
    query = _waiting(version_id, by).where(Score.novelty > 1)
    return _read(session, query.order_by(Score.novelty.desc(), Score.image_id).limit(limit))


def audit(session: Session, version_id: int, by: str, *, limit: int, cut: Cut | None = None) -> list[Candidate]:
    """Parts that the version passes, by lot."""
    query = _waiting(version_id, by).where(stands(Standing.normal, cut), Score.draw.is_not(None))
    return _read(session, query.order_by(Score.draw).limit(limit))


def label_checks(session: Session, version_id: int, by: str, *, limit: int, cut: Cut | None = None) -> list[Candidate]:
    """Parts that another person called normal before this version called them defects, the most abnormal first.

    Held-out ones and labels that came with their files are left to the review page: a label of a person's would move
    the first out of the measure, and the second are too many to ask an inspector about.
    """
    query = (
        select(Score, Image, Annotation.verdict)
        .join(Image, Image.id == Score.image_id)
        .join(Annotation, Annotation.image_id == Score.image_id)
        .where(Score.version_id == version_id, Score.waiting.is_(False), stands(Standing.defect, cut))
        .where(Annotation.verdict == Verdict.normal, is_current(Annotation), Annotation.by.not_in((by, IMPORT)))
        .where(Annotation.version_id.is_distinct_from(version_id), Image.held_out.is_(False))
        .where(is_free(Score.image_id, by))
    )
    return _read(session, query.order_by(Score.score.desc(), Score.image_id).limit(limit))


def one(session: Session, version_id: int, image_id: int) -> Candidate | None:
    """An image as the queue sees it, whether it waits or not."""
    query = select(Score, Image, Annotation.verdict).join(Image, Image.id == Score.image_id)
    query = query.outerjoin(Annotation, (Annotation.image_id == Image.id) & is_current(Annotation))
    found = _read(session, query.where(Score.version_id == version_id, Score.image_id == image_id))
    return found[0] if found else None


def audited(
    session: Session, version_id: int, *, limit: int, cut: Cut | None = None
) -> Sequence[tuple[int, Verdict | None]]:
    """(image id, standing verdict) of the parts that the version passes, by lot, labelled or not."""
    query = (
        select(Score.image_id, Annotation.verdict)
        .outerjoin(Annotation, (Annotation.image_id == Score.image_id) & is_current(Annotation))
        .where(Score.version_id == version_id, stands(Standing.normal, cut), Score.draw.is_not(None))
        .order_by(Score.draw)
        .limit(limit)
    )
    return [(image_id, verdict) for image_id, verdict in session.execute(query)]


def described(
    session: Session, version_id: int, verdict: Verdict, *, limit: int
) -> list[tuple[int, int | None, bytes]]:
    """(image id, defect type's id, descriptor) of the latest labels of a verdict that the version has described."""
    query = (
        select(Score.image_id, Annotation.defect_type_id, Score.descriptor)
        .join(Annotation, Annotation.image_id == Score.image_id)
        .where(Score.version_id == version_id, Score.descriptor.is_not(None))
        .where(Annotation.verdict == verdict, is_current(Annotation))
        .order_by(Annotation.id.desc())
        .limit(limit)
    )
    return [(image_id, kind, descriptor) for image_id, kind, descriptor in session.execute(query) if descriptor]


def _waiting(version_id: int, by: str) -> Select[Score, Image]:
    query = select(Score, Image).join(Image, Image.id == Score.image_id)
    return query.where(Score.version_id == version_id, Score.waiting.is_(True), is_free(Score.image_id, by))


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[Candidate]:
    return [
        Candidate(
            image_id=image.id,
            name=image.name,
            score=score.score,
            distance=score.distance,
            standing=score.standing,
            margin=score.margin,
            novelty=score.novelty,
            descriptor=score.descriptor,
            held_out=image.held_out,
            verdict=rest[0] if rest else None,
        )
        for score, image, *rest in session.execute(query)
    ]
