"""Scores of images under versions, and the pool ranked by them. A higher score is more abnormal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.annotations import is_current
from storage.models import Annotation, DefectType, Image, Score, Standing, Verdict

Order = Literal["abnormal", "boundary"]


@dataclass(frozen=True)
class RankedImage:
    """One image of the ranked pool, with its standing label."""

    image_id: int
    name: str
    score: float
    distance: float
    standing: Standing
    verdict: Verdict | None
    defect_type: str | None
    revision: int
    held_out: bool
    width: int
    height: int
    cursor: tuple[float, int]  # hand it back as `after` for the images behind this one


def save_scores(session: Session, version_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep scores (keys: image_id, score, distance, standing, maps); those that are there already stay."""
    values = [{**row, "version_id": version_id} for row in rows]
    if not values:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Score).on_conflict_do_nothing(), values)


def score_of(session: Session, version_id: int, image_id: int) -> Score | None:
    return session.get(Score, (version_id, image_id))


def scores_of(session: Session, version_id: int) -> Sequence[Score]:
    return session.scalars(select(Score).where(Score.version_id == version_id).order_by(Score.image_id)).all()


def scores_by_content(session: Session, version_id: int) -> dict[str, tuple[int, float]]:
    """(image id, score) under a version by the images' content hashes."""
    query = select(Image.sha256, Score.image_id, Score.score).join(Image, Image.id == Score.image_id)
    return {
        sha: (image_id, score) for sha, image_id, score in session.execute(query.where(Score.version_id == version_id))
    }


def unscored_images(session: Session, version_id: int, project_id: int) -> Sequence[Image]:
    """Images of the project that the version has not seen, in the order in which they came."""
    return session.scalars(
        select(Image).where(Image.project_id == project_id, _unscored(version_id)).order_by(Image.id)
    ).all()


def count_unscored(session: Session, version_id: int, project_id: int) -> int:
    query = select(func.count()).select_from(Image).where(Image.project_id == project_id, _unscored(version_id))
    return session.scalar(query) or 0


def _unscored(version_id: int) -> Any:
    return ~select(Score.image_id).where(Score.version_id == version_id, Score.image_id == Image.id).exists()


def ranked(
    session: Session,
    *,
    version_id: int,
    order: Order = "abnormal",
    labelled: bool | None = None,
    standing: Standing | None = None,
    verdict: Verdict | None = None,
    limit: int = 100,
    after: tuple[float, int] | None = None,
) -> list[RankedImage]:
    """The pool under a version: most abnormal first, or nearest to the boundary first.

    Pages by key, so that a page costs the same wherever it lies and no image shows twice while others are labelled.

    Args:
        labelled: True or False for only those; None for both.
        after: the cursor of the last image seen.
    """
    query = (
        select(Score, Image, Annotation, DefectType.name)
        .join(Image, Image.id == Score.image_id)
        .outerjoin(Annotation, and_(Annotation.image_id == Score.image_id, is_current(Annotation)))
        .outerjoin(DefectType, DefectType.id == Annotation.defect_type_id)
        .where(Score.version_id == version_id)
        .limit(limit)
    )
    if labelled is not None:
        query = query.where(Annotation.verdict.is_not(None) if labelled else Annotation.verdict.is_(None))
    if standing is not None:
        query = query.where(Score.standing == standing)
    if verdict is not None:
        query = query.where(Annotation.verdict == verdict)
    if order == "abnormal":
        query = query.order_by(Score.score.desc(), Score.image_id)
        key = Score.score
    else:
        query = query.order_by(Score.distance, Score.image_id)
        key = Score.distance
    if after is not None:
        value, image_id = after
        beyond = key < value if order == "abnormal" else key > value
        query = query.where(or_(beyond, and_(key == value, Score.image_id > image_id)))
    return [_ranked(*row, order=order) for row in session.execute(query)]


def _ranked(
    score: Score, image: Image, annotation: Annotation | None, defect_type: str | None, *, order: Order
) -> RankedImage:
    return RankedImage(
        image_id=image.id,
        name=image.name,
        score=score.score,
        distance=score.distance,
        standing=score.standing,
        verdict=annotation.verdict if annotation else None,
        defect_type=defect_type,
        revision=annotation.revision if annotation else 0,
        held_out=image.held_out,
        width=image.width,
        height=image.height,
        cursor=(score.score if order == "abnormal" else score.distance, image.id),
    )


def counts_by_standing(session: Session, version_id: int, *, labelled: bool | None = None) -> dict[Standing, int]:
    """Scored images of a version by standing, for all, labelled or unlabelled ones."""
    query = select(Score.standing, func.count()).where(Score.version_id == version_id).group_by(Score.standing)
    if labelled is not None:
        said = select(Annotation.id).where(
            Annotation.image_id == Score.image_id, Annotation.verdict.is_not(None), is_current(Annotation)
        )
        query = query.where(said.exists() if labelled else ~said.exists())
    return {standing: number for standing, number in session.execute(query)}
