"""Projects, their images, and the arrivals that brought them. Functions on a Session; none commits."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.annotations import is_current
from storage.errors import Conflict, NotFound, StorageError
from storage.leases import is_free
from storage.models import Annotation, Image, Ingest, Project, Verdict, now
from storage.text import visible

Row = TypeVar("Row")


def slug_of(name: str) -> str:
    """A name as it stands in an address: lower case, ASCII, dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80]


def create_project(session: Session, *, name: str, settings: dict[str, Any]) -> Project:
    """Add a project.

    Raises:
        StorageError: nothing of the name can stand in an address.
        Conflict: there is a project of that address already.
    """
    slug = slug_of(name)
    if not slug:
        raise StorageError(f"project name {name!r} has no letter or digit: choose another")
    if project_by_slug(session, slug) is not None:
        raise Conflict(f"there is already a project {slug!r}: choose another name")
    project = Project(slug=slug, name=name, settings=settings)
    session.add(project)
    session.flush()
    return project


def projects(session: Session) -> Sequence[Project]:
    return session.scalars(select(Project).order_by(Project.name)).all()


def project(session: Session, project_id: int) -> Project:
    return _found(session.get(Project, project_id), f"project {project_id}")


def project_by_slug(session: Session, slug: str) -> Project | None:
    return session.scalar(select(Project).where(Project.slug == slug))


def start_ingest(session: Session, *, project_id: int, source: str, by: str) -> Ingest:
    """Open an arrival; NotFound when the project was removed."""
    ingest = Ingest(project_id=project(session, project_id).id, source=visible(source)[:1000], by=by, refused=[])
    session.add(ingest)
    session.flush()
    return ingest


def finish_ingest(
    session: Session, ingest_id: int, *, added: int, duplicates: int, refused: list[dict[str, str]]
) -> Ingest:
    ingest = _found(session.get(Ingest, ingest_id), f"ingest {ingest_id}")
    ingest.added, ingest.duplicates, ingest.refused = added, duplicates, refused
    ingest.finished_at = now()
    return ingest


def ingests(session: Session, project_id: int) -> Sequence[Ingest]:
    """The arrivals of a project, latest first."""
    return session.scalars(select(Ingest).where(Ingest.project_id == project_id).order_by(Ingest.id.desc())).all()


def add_image(
    session: Session,
    *,
    project_id: int,
    sha256: str,
    pixels: str,
    thumb: str,
    name: str,
    width: int,
    height: int,
    held_out: bool,
    ingest_id: int,
) -> tuple[Image, bool]:
    """The project's image of that content, and whether it was added now."""
    known = session.scalar(select(Image).where(Image.project_id == project_id, Image.sha256 == sha256))
    if known is not None:
        return known, False
    added = Image(
        project_id=project_id,
        sha256=sha256,
        pixels=pixels,
        thumb=thumb,
        name=name[:500],
        width=width,
        height=height,
        held_out=held_out,
        ingest_id=ingest_id,
    )
    session.add(added)
    session.flush()
    return added, True


def image(session: Session, image_id: int) -> Image:
    return _found(session.get(Image, image_id), f"image {image_id}")


def images_for(session: Session, project_id: int, *, held_out: bool | None = None) -> Sequence[Image]:
    """All images of a project in the order in which they came."""
    query = select(Image).where(Image.project_id == project_id).order_by(Image.id)
    if held_out is not None:
        query = query.where(Image.held_out.is_(held_out))
    return session.scalars(query).all()


def unranked(
    session: Session,
    project_id: int,
    *,
    labelled: bool | None = None,
    verdict: Verdict | None = None,
    search: str = "",
    free_for: str | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[tuple[Image, Verdict | None]]:
    """Images in the order in which they came, with their standing verdict: what there is before a version ranks them.

    Args:
        free_for: leave out what other people hold and what this one put off.
        after: the last image id seen.
    """
    query = (
        select(Image, Annotation.verdict)
        .outerjoin(Annotation, (Annotation.image_id == Image.id) & is_current(Annotation))
        .where(Image.project_id == project_id, Image.id > after)
    )
    if labelled is not None:
        query = query.where(Annotation.verdict.is_not(None) if labelled else Annotation.verdict.is_(None))
    if verdict is not None:
        query = query.where(Annotation.verdict == verdict)
    if search:
        query = query.where(Image.name.icontains(search, autoescape=True))
    if free_for is not None:
        query = query.where(is_free(Image.id, free_for))
    return [(image, said) for image, said in session.execute(query.order_by(Image.id).limit(limit))]


def count_images(session: Session, project_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Image).where(Image.project_id == project_id)) or 0


def _found(row: Row | None, what: str) -> Row:
    if row is None:
        raise NotFound(f"there is no {what}: it may belong to another installation")
    return row
