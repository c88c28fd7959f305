"""Scores of images under versions, and the pool ranked by them. A higher score is more abnormal."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.annotations import is_current
from storage.models import Annotation, DefectType, Image, Score, Standing, Verdict, Version
from storage.typed_masks import has_type

Order = Literal["abnormal", "calm", "boundary", "newest"]
KEYS: dict[Order, tuple[Any, bool]] = {  # what an order goes by, and whether downwards
    "abnormal": (Score.score, True),
    "calm": (Score.score, False),
    "boundary": (Score.distance, False),
    "newest": (Score.image_id, True),
}
OPTIONAL: dict[str, Any] = {"margin": None, "novelty": None, "descriptor": None}
CHUNK = 500  # image ids per statement
MOST_COUNTED = 1000  # a page says "more than" beyond it, so that it costs the same in any pool


Cursor = tuple[float, int]


@dataclass(frozen=True)
class Cut:
    """The two scores of an operating point that decides in place of the boundary.

    Attributes:
        stop: scores up to it are good.
        reject: scores above it are defects; never below `stop`.
    """

    stop: float
    reject: float


@dataclass(frozen=True)
class Narrow:
    """Which images of a pool are shown; None and "" for all.

    Attributes:
        labelled: only those with a label, or only those without.
        cut: the operating point that `standing` and the order "boundary" go by; None for the boundary itself.
        search: part of the name, in upper or lower case.
        lowest, highest: scores, both included.
        since, until: when the image came in, the second excluded.
    """

    labelled: bool | None = None
    standing: Standing | None = None
    cut: Cut | None = None
    verdict: Verdict | None = None
    defect_type: str | None = None
    held_out: bool | None = None
    search: str = ""
    lowest: float | None = None
    highest: float | None = None
    since: datetime | None = None
    until: datetime | None = None


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
    novelty: float | None
    cursor: Cursor  # hand it back as `after` for the images behind this one


ALL = Narrow()


def save_scores(session: Session, version_id: int, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep scores; those that are there already stay.

    Args:
        rows: keys image_id, score, distance, standing, maps, and where known margin, novelty, descriptor.
    """
    values = [{**OPTIONAL, **row, "version_id": version_id, "draw": _draw(version_id, row["image_id"])} for row in rows]
    if not values:
        return
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Score).on_conflict_do_nothing(), values)
    for start in range(0, len(values), CHUNK):
        _mark_labelled(session, version_id, [row["image_id"] for row in values[start : start + CHUNK]])


def _mark_labelled(session: Session, version_id: int, image_ids: list[int]) -> None:
    """Labelled images don't wait, and are no part of the audit: it is about parts that came without a label.

    A statement of its own, after the insert: that one waited for whoever was labelling one of these images, and whoever
    labels one from here on waits for this transaction, so neither misses the other.
    """
    labelled = select(Annotation.id).where(
        Annotation.image_id == Score.image_id, Annotation.verdict.is_not(None), is_current(Annotation)
    )
    mine = (Score.version_id == version_id, Score.image_id.in_(image_ids), labelled.exists())
    session.execute(update(Score).where(*mine).values(waiting=False, draw=None))


def _draw(version_id: int, image_id: int) -> float:
    """The audit's lot of an image under a version: as good as chance, known to nobody before, the same ever after."""
    digest = hashlib.sha256(f"audit {version_id} {image_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


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


@dataclass(frozen=True)
class Arrived:
    """A scored image that came in without a label."""

    at: datetime
    sha256: str
    score: float
    standing: Standing


def arrived(session: Session, version_id: int, *, since: datetime) -> list[Arrived]:
    """Images that came in since then, were scored by the version and brought no label along, the oldest first."""
    project_id = select(Version.project_id).where(Version.id == version_id).scalar_subquery()
    brought = select(Annotation.id).where(Annotation.image_id == Image.id, Annotation.client_id.like("import-%"))
    query = (
        select(Image.created_at, Image.sha256, Score.score, Score.standing)
        .join(Score, and_(Score.image_id == Image.id, Score.version_id == version_id))
        .where(Image.project_id == project_id, Image.created_at >= since, ~brought.exists())
        .order_by(Image.id)
    )
    return [Arrived(*row) for row in session.execute(query)]


def unscored_images(session: Session, version_id: int, project_id: int, *, after: int = 0) -> Sequence[Image]:
    """Images of the project behind an id that the version has not seen, in the order in which they came."""
    mine = (Image.project_id == project_id, Image.id > after, is_unscored(version_id))
    return session.scalars(select(Image).where(*mine).order_by(Image.id)).all()


def count_unscored(session: Session, version_id: int, project_id: int, *, after: int = 0) -> int:
    mine = (Image.project_id == project_id, Image.id > after, is_unscored(version_id))
    return session.scalar(select(func.count()).select_from(Image).where(*mine)) or 0


def count_new(session: Session, version_id: int, project_id: int) -> int:
    """Images that came after the last one that the version has scored, at most `MOST_COUNTED`: cheap in any pool.

    Scoring goes in the order in which images came, so that this is what waits for the worker.
    """
    last = select(func.coalesce(func.max(Score.image_id), 0)).where(Score.version_id == version_id).scalar_subquery()
    newer = select(Image.id).where(Image.project_id == project_id, Image.id > last).limit(MOST_COUNTED)
    return session.scalar(select(func.count()).select_from(newer.subquery())) or 0


def stands(standing: Standing, cut: Cut | None) -> ColumnElement[bool]:
    """For a query of scores: they stand so by what decides; by the boundary, as was stored, where `cut` is None."""
    if cut is None:
        return Score.standing == standing
    if standing is Standing.normal:
        return Score.score <= cut.stop
    above = Score.score > cut.reject
    return above if standing is Standing.defect else and_(Score.score > cut.stop, ~above)


def count_waiting(session: Session, version_id: int, standing: Standing, cut: Cut | None = None) -> int:
    """Images without a label that stand so, at most `MOST_COUNTED`."""
    rows = select(Score.image_id).where(Score.version_id == version_id, stands(standing, cut), Score.waiting.is_(True))
    return session.scalar(select(func.count()).select_from(rows.limit(MOST_COUNTED).subquery())) or 0


def is_unscored(version_id: int) -> ColumnElement[bool]:
    """For a query of images: the version has not seen them."""
    return ~select(Score.image_id).where(Score.version_id == version_id, Score.image_id == Image.id).exists()


def ranked(
    session: Session,
    *,
    version_id: int,
    order: Order = "abnormal",
    narrow: Narrow = ALL,
    limit: int = 100,
    after: Cursor | None = None,
) -> list[RankedImage]:
    """The pool under a version: most abnormal or calmest first, nearest to the boundary first, or the newest first.

    Pages by key, so that a page costs the same wherever it lies and no image shows twice while others are labelled.

    Args:
        after: the cursor of the last image seen.
    """
    key, down = KEYS[order]
    if order == "boundary" and narrow.cut:
        key = func.abs(Score.score - narrow.cut.stop)
    query = (
        select(Score, Image, Annotation, DefectType.name)
        .join(Image, Image.id == Score.image_id)
        .outerjoin(Annotation, and_(Annotation.image_id == Score.image_id, is_current(Annotation)))
        .outerjoin(DefectType, DefectType.id == Annotation.defect_type_id)
        .where(Score.version_id == version_id, *_conditions(narrow))
        .order_by(key.desc() if down else key, Score.image_id)
        .limit(limit)
    )
    if after is not None:
        value, image_id = after
        if order == "newest":
            value = int(value)  # PostgreSQL finds no id in an index by a float
            query = query.where(Image.id <= value)  # nor does it carry an inequality over to the joined table
        upto, beyond = (key <= value, key < value) if down else (key >= value, key > value)
        query = query.where(upto, or_(beyond, Score.image_id > image_id))  # `upto` alone is what an index can follow
    return [_ranked(*row, order=order, cut=narrow.cut) for row in session.execute(query)]


def _conditions(narrow: Narrow) -> list[ColumnElement[bool]]:
    by_column = (
        (Annotation.verdict, narrow.verdict),
        (Image.held_out, narrow.held_out),
    )
    found: list[ColumnElement[bool]] = [column == value for column, value in by_column if value is not None]
    if narrow.standing is not None:
        found.append(stands(narrow.standing, narrow.cut))
    if narrow.defect_type is not None:
        found.append(or_(DefectType.name == narrow.defect_type, has_type(narrow.defect_type)))
    if narrow.labelled is not None:
        found.append(Score.waiting.is_(not narrow.labelled))
    if narrow.search:
        found.append(Image.name.icontains(narrow.search, autoescape=True))
    if narrow.lowest is not None:
        found.append(Score.score >= narrow.lowest)
    if narrow.highest is not None:
        found.append(Score.score <= narrow.highest)
    if narrow.since is not None:
        found.append(Image.created_at >= narrow.since)
    if narrow.until is not None:
        found.append(Image.created_at < narrow.until)
    return found


def _ranked(
    score: Score, image: Image, annotation: Annotation | None, defect_type: str | None, *, order: Order, cut: Cut | None
) -> RankedImage:
    near = abs(score.score - cut.stop) if cut else score.distance
    keys = {"boundary": near, "newest": float(image.id)}
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
        novelty=score.novelty,
        cursor=(keys.get(order, score.score), image.id),
    )


def counts_by_standing(
    session: Session, version_id: int, *, labelled: bool | None = None, cut: Cut | None = None
) -> dict[Standing, int]:
    """Scored images of a version by standing, for all, labelled or unlabelled ones, without empty ones."""
    places = list(Standing)
    query = select(*(func.count().filter(stands(place, cut)) for place in places)).where(Score.version_id == version_id)
    if labelled is not None:
        said = select(Annotation.id).where(
            Annotation.image_id == Score.image_id, Annotation.verdict.is_not(None), is_current(Annotation)
        )
        query = query.where(said.exists() if labelled else ~said.exists())
    return {place: number for place, number in zip(places, session.execute(query).one(), strict=True) if number}
