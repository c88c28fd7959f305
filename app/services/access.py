"""From what a request names to the row, for those who may: a project, or an object of one.

The only way for a use case to a row that a request names. Whoever has no role in its project hears that there is no
such row.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.services.authority import Actor, account_of, refuse_below, role_in
from app.services.errors import Refused
from storage import images, members, runs, versions
from storage.errors import NotFound
from storage.models import Annotation, Image, Project, Role, Run, Version


def visible_projects(session: Session, actor: Actor) -> Sequence[Project]:
    """The projects in which the actor has a role, by name."""
    if actor.scopes is not None:
        return [project for project in images.projects(session) if role_in(session, actor, project.id) is not None]
    account = account_of(session, actor)
    return images.projects(session) if account is None else members.visible_projects(session, account)


def project_of(session: Session, actor: Actor, slug: str, role: Role) -> Project:
    """The project, for somebody with `role` in it.

    Raises:
        Refused: there is none of that name among those that the actor may see.
        NotAllowed: their role in it is too low.
    """
    project = images.project_by_slug(session, slug)
    has = role_in(session, actor, project.id) if project else None
    if project is None or (has is None and actor.credential is not None):
        known = ", ".join(project.slug for project in visible_projects(session, actor)) or "none yet"
        raise Refused(f"there is no project {slug!r} (there is: {known}): create it with `bgad-inspect project create`")
    refuse_below(actor, has, role, where=slug if actor.credential else "")
    return project


def image_of(session: Session, actor: Actor, image_id: int, role: Role) -> Image:
    """An image of a project in which the actor has `role`; NotFound or NotAllowed otherwise."""
    image = images.image(session, image_id)
    _allow(session, actor, image.project_id, role, f"image {image_id}")
    return image


def version_of(session: Session, actor: Actor, version_id: int, role: Role) -> Version:
    """A version of a project in which the actor has `role`; NotFound or NotAllowed otherwise."""
    version = versions.version(session, version_id)
    _allow(session, actor, version.project_id, role, f"version with id {version_id}")
    return version


def run_of(session: Session, actor: Actor, run_id: str, role: Role) -> Run:
    """A run of a project in which the actor has `role`; NotFound or NotAllowed otherwise."""
    if (run := runs.run(session, run_id)) is None:
        raise NotFound(_missing(f"run {run_id[:36]}"))
    _allow(session, actor, run.project_id, role, f"run {run_id[:36]}")
    return run


def annotation_of(session: Session, actor: Actor, annotation_id: int, role: Role) -> Annotation:
    """A label of a project in which the actor has `role`; NotFound or NotAllowed otherwise."""
    if (row := session.get(Annotation, annotation_id)) is None:
        raise NotFound(_missing(f"label {annotation_id}"))
    _allow(session, actor, row.project_id, role, f"label {annotation_id}")
    return row


def _allow(session: Session, actor: Actor, project_id: int, role: Role, what: str) -> None:
    has = role_in(session, actor, project_id)
    if has is None and actor.credential is not None:
        raise NotFound(_missing(what))
    refuse_below(actor, has, role)


def _missing(what: str) -> str:
    return f"there is no {what}: it may belong to another installation"
