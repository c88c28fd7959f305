"""What people said of images: append-only revisions, the highest of an image is its current label."""

import hashlib
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from storage import audit, typed_masks
from storage.errors import Conflict, NotFound
from storage.label_rows import Lease
from storage.masks import marking
from storage.models import Annotation, DefectType, Image, Score, Verdict
from storage.type_names import type_name

IMPORT = "import"  # labels that came with their files; a person's label on the same image outranks them


def save_annotation(
    session: Session,
    *,
    image_id: int,
    verdict: Verdict | None,
    defect_type: str | None,
    mask: bytes | None,
    by: str,
    client_id: str,
    expected_revision: int,
    version_id: int | None,
    score: float | None,
    ignore: bytes | None = None,
    purpose: str | None = None,
    blind: bool | None = None,
    typed: Mapping[str, bytes] | None = None,
) -> Annotation:
    """Append the next revision of an image's label.

    A save that is retried under the same `client_id` returns its first row. A person's label takes the image out of the
    held-out set: what was used for training can no longer measure it.

    Args:
        verdict: None withdraws the label (undo).
        mask: 1-bit PNG of the image's size, 1 = abnormal.
        ignore: 1-bit PNG of the image's size, 1 where a pixel is neither trained on nor judged.
        expected_revision: the revision that the person saw, 0 for none.
        typed: the masks of single types, like `mask`, where a defect's image has several; each lies within `mask`.

    Raises:
        NotFound: no such image.
        Conflict: somebody saved another revision in between.
    """
    if (first := _by_client_id(session, client_id)) is not None:
        return first
    image = session.get(Image, image_id, with_for_update=True)
    if image is None:
        raise NotFound(f"there is no image {image_id}: reload the page")
    current = current_annotation(session, image_id)
    if (current.revision if current else 0) != expected_revision:
        raise Conflict(_in_between(session, current, expected_revision))
    mask, ignore = marking(mask), marking(ignore)
    typed = {name: png for name, png in (typed or {}).items() if marking(png)}
    row = Annotation(
        project_id=image.project_id,
        image_id=image_id,
        revision=expected_revision + 1,
        verdict=verdict,
        defect_type_id=_type_id(session, image.project_id, defect_type if verdict is Verdict.defect else None),
        mask=mask,
        ignore=ignore,
        by=by,
        client_id=client_id,
        version_id=version_id,
        score=score,
        purpose=purpose,
        blind=blind,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same save on another connection, or another person's, was faster by a moment
        if (first := _by_client_id(session, client_id)) is not None:
            return first
        raise Conflict(_in_between(session, current_annotation(session, image_id), expected_revision)) from None
    masks = {_type_id(session, image.project_id, name): png for name, png in typed.items()}
    typed_masks.add(session, row.id, {kind: png for kind, png in masks.items() if kind is not None})
    if by != IMPORT:  # those of an arrival are told by it, as one
        image.held_out = False
        _tell(session, row, defect_type, typed)
    session.execute(update(Score).where(Score.image_id == image_id).values(waiting=verdict is None))
    session.execute(delete(Lease).where(Lease.image_id == image_id))
    return row


def current_annotation(session: Session, image_id: int) -> Annotation | None:
    """The latest revision, also when it withdraws the label; None when nobody ever said anything."""
    return session.scalar(
        select(Annotation).where(Annotation.image_id == image_id).order_by(Annotation.revision.desc()).limit(1)
    )


def current_annotations(session: Session, project_id: int) -> Sequence[Annotation]:
    """The standing label of each labelled image of a project; withdrawn ones are left out."""
    return session.scalars(
        select(Annotation)
        .where(Annotation.project_id == project_id, Annotation.verdict.is_not(None), is_current(Annotation))
        .order_by(Annotation.image_id)
    ).all()


def is_current(annotation: type[Annotation]) -> ColumnElement[bool]:
    """No later revision of the same image exists; answered from the (image_id, revision) index."""
    later = aliased(Annotation)
    return ~(
        select(later.id).where(later.image_id == annotation.image_id, later.revision > annotation.revision).exists()
    )


def history(session: Session, image_id: int) -> Sequence[Annotation]:
    """Every revision of an image's label, latest first."""
    return session.scalars(
        select(Annotation).where(Annotation.image_id == image_id).order_by(Annotation.revision.desc())
    ).all()


def latest_purposes(session: Session, project_id: int, *, limit: int) -> list[str]:
    """Why the queue had shown the images of the last labels, the latest first; those that people chose are left out."""
    query = (
        select(Annotation.purpose)
        .where(Annotation.project_id == project_id, Annotation.purpose.is_not(None))
        .order_by(Annotation.id.desc())
        .limit(limit)
    )
    return [purpose for purpose in session.scalars(query) if purpose is not None]


def latest_of(session: Session, project_id: int, by: str) -> Annotation | None:
    """The last label of somebody that has a mask."""
    mine = (Annotation.project_id == project_id, Annotation.by == by, Annotation.mask.is_not(None))
    return session.scalar(select(Annotation).where(*mine).order_by(Annotation.id.desc()).limit(1))


def latest_masks(session: Session, project_id: int, *, limit: int) -> list[bytes]:
    """Standing masks of defects that are not held out, as PNGs, the latest first."""
    query = (
        select(Annotation.mask)
        .join(Image, Image.id == Annotation.image_id)
        .where(Annotation.project_id == project_id, Annotation.verdict == Verdict.defect, is_current(Annotation))
        .where(Annotation.mask.is_not(None), Image.held_out.is_(False))
        .order_by(Annotation.id.desc())
        .limit(limit)
    )
    return [png for png in session.scalars(query) if png is not None]


def counts(session: Session, project_id: int) -> dict[Verdict, int]:
    """Standing labels of a project by verdict."""
    rows = session.execute(
        select(Annotation.verdict, func.count())
        .where(Annotation.project_id == project_id, Annotation.verdict.is_not(None), is_current(Annotation))
        .group_by(Annotation.verdict)
    )
    return {verdict: number for verdict, number in rows if verdict is not None}


def defect_types(session: Session, project_id: int) -> Sequence[DefectType]:
    """In the order in which they came up: a type keeps its number key."""
    return session.scalars(select(DefectType).where(DefectType.project_id == project_id).order_by(DefectType.id)).all()


def get_or_add_defect_type(session: Session, project_id: int, name: str) -> DefectType:
    """The type of this name, made where there is none; raises BadName where it cannot be one."""
    query = select(DefectType).where(DefectType.project_id == project_id, DefectType.name == name)
    if (known := session.scalar(query)) is not None:
        return known
    name = type_name(name)
    query = select(DefectType).where(DefectType.project_id == project_id, DefectType.name == name)
    if (known := session.scalar(query)) is not None:
        return known
    try:
        with session.begin_nested():
            added = DefectType(project_id=project_id, name=name)
            session.add(added)
        return added
    except IntegrityError:
        return session.scalars(query).one()


def _tell(session: Session, row: Annotation, defect_type: str | None, typed: Mapping[str, bytes]) -> None:
    """Into the audit trail, with digests of what was drawn: the trail then vouches for the masks as well."""
    drawn = {"mask": row.mask, "ignore": row.ignore}
    details = {
        "image": row.image_id,
        "revision": row.revision,
        "verdict": row.verdict.value if row.verdict else None,
        "type": defect_type if row.defect_type_id else None,
        **{name: hashlib.sha256(png).hexdigest() for name, png in drawn.items() if png},
        **({"types": {name: hashlib.sha256(png).hexdigest() for name, png in typed.items()}} if typed else {}),
    }
    audit.record(session, by=row.by, action="label", details=details, project_id=row.project_id)


def _type_id(session: Session, project_id: int, name: str | None) -> int | None:
    return get_or_add_defect_type(session, project_id, name).id if name and name.strip() else None


def _by_client_id(session: Session, client_id: str) -> Annotation | None:
    return session.scalar(select(Annotation).where(Annotation.client_id == client_id))


def _in_between(session: Session, current: Annotation | None, expected: int) -> str:
    if current is None:
        return f"the page was at revision {expected}, but this image has no label: reload it"
    said = current.verdict.value if current.verdict else "nothing (the label was withdrawn)"
    return f"{current.by} said {said} in between (revision {current.revision}, you saw {expected}): look again"
