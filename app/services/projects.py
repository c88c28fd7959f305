"""Projects: one product or part type each, with the backbone that its versions stand on."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from app.services.access import visible_projects
from app.services.authority import Actor, account_of, require, role_in
from app.services.context import Context
from app.services.errors import Refused
from storage import audit, images, members
from storage.models import Project, Role

BUILT_IN = "resnet18"  # the shape of the built-in backbone: small, because random features don't gain from depth


def projects_of(context: Context, actor: Actor) -> Sequence[Project]:
    """All projects that the actor may see, by name."""
    with context.database.read() as session:
        return list(visible_projects(session, actor))


def role_of(context: Context, actor: Actor, slug: str | None) -> Role | None:
    """The actor's role in a project at this moment; the highest that they have anywhere when no project is given.

    Raises:
        SignedOut: their sign-in has ended.
    """
    with context.database.read() as session:
        project = images.project_by_slug(session, slug) if slug else None
        return role_in(session, actor, project.id) if project else actor.role


def create_project(
    context: Context,
    actor: Actor,
    *,
    name: str,
    backbone: str | None = None,
    weights: Path | None = None,
    built_in: bool = False,
    size: int = 256,
    tile: int | None = None,
) -> Project:
    """Make a project, for somebody who is an engineer somewhere; they are this one's first.

    Its backbone, weights, image size and tile stay with it.

    Args:
        tile: pixels of the image that one input of `size` shows; None squeezes the whole image into one.

    Raises:
        Refused: the weights are missing or asked for together with the built-in ones, or size or tile is out of range.
        StorageError: the name is taken.
    """
    with context.database.read() as session:
        require(session, actor, Role.engineer)
    if not name.strip():
        raise Refused("a project needs a name: give it the part's")
    if built_in and weights:
        raise Refused(f"built-in weights and the file {weights} exclude each other: choose one")
    weights = None if built_in else weights or context.settings.weights
    if weights is not None and not weights.is_file():
        raise Refused(f"the weights file {weights} does not exist: give a safetensors file, or --built-in")
    if size % 32 or not 64 <= size <= 1024:
        raise Refused(f"image size {size} is not a multiple of 32 from 64 to 1024: 256 is the usual one")
    if tile is not None and not 64 <= tile <= 4096:
        raise Refused(f"a tile of {tile} pixels is not from 64 to 4096: {size} keeps the image's own resolution")
    settings = {
        "backbone": backbone or (BUILT_IN if built_in else context.settings.backbone),
        "weights": str(weights) if weights else None,
        "built_in": built_in,
        "size": size,
        "tile": tile,
    }
    with context.database.write() as session:
        require(session, actor, Role.engineer)
        project = images.create_project(session, name=name.strip(), settings=settings)
        _join(session, actor, project)
        audit.record(session, by=actor.name, action="create project", details=settings, project_id=project.id)
    return project


def _join(session: Session, actor: Actor, project: Project) -> None:
    """Whoever makes a project is its engineer; an admin is so anyway."""
    account = account_of(session, actor)
    if account is not None and not account.admin:
        members.set_role(session, account_id=account.id, project_id=project.id, role=Role.engineer, by=actor.name)
