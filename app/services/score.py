"""Scores: ask for them, and read the pool ranked by them. A higher score is more abnormal; 0.5 is the boundary.

Where an operating point decides, `standing` and the order "boundary" go by it.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import select

from app import jobs
from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.mixing import Purpose, purpose_of
from app.services.rule import Rule, rule_of
from storage import annotations, audit, images, scores, versions
from storage.models import ACTIVE, Role, Run, Standing, Verdict, Version
from storage.scores import ALL, KEYS, Narrow, Order

Show = Literal["all", "unlabelled", "labelled"]
LABELLED = {"all": None, "unlabelled": False, "labelled": True}


@dataclass(frozen=True)
class QueueItem:
    """One image of the queue, as a thumbnail shows it. `score` and `standing` are None before any version decides."""

    image_id: int
    name: str
    score: float | None
    standing: Standing | None
    verdict: Verdict | None
    held_out: bool
    purpose: Purpose | None = None  # what it is for, if somebody labelled it


@dataclass(frozen=True)
class QueuePage:
    """A page of the pool; `after` asks for the next one, None when this was the last.

    `unscored` counts images that wait for the worker, at most `storage.scores.MOST_COUNTED`.
    """

    items: list[QueueItem]
    after: Any
    version_id: int | None
    version_number: int | None
    unscored: int


def request_scoring(context: Context, actor: Actor, project_slug: str) -> str:
    """Queue the scoring of all images that the deciding version has not seen, and return the run's id.

    A waiting score run is returned instead of a second one: it will see the same images.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        if versions.deciding_version(session, project.id) is None:
            raise Refused(f"{project.slug} has no version that could score: train it first")
        waiting = select(Run.id).where(Run.project_id == project.id, Run.kind == "score", Run.state.in_(ACTIVE[:1]))
        if found := session.scalar(waiting):
            return found
        run_id = jobs.submit(session, project_id=project.id, kind="score", by=actor.name)
        audit.record(session, by=actor.name, action="score", details={"run": run_id}, project_id=project.id)
        return run_id


def scoring_version(context: Context, actor: Actor, project_slug: str, number: int | None = None) -> Version:
    """The version that decides, or the one of that number.

    Raises:
        Refused: unknown project, no version yet, or none of that number.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        if number is not None:
            return versions.version_by_number(session, project.id, number)
        if (version := versions.deciding_version(session, project.id)) is None:
            raise Refused(f"{project_slug} has no version yet: train it first")
    return version


def ranked_queue(
    context: Context,
    actor: Actor,
    project_slug: str,
    *,
    order: Order = "abnormal",
    show: Show = "all",
    narrow: Narrow = ALL,
    limit: int = 200,
    after: Any = None,
) -> QueuePage:
    """The pool under the deciding version, in one of its orders, as far as `show` and `narrow` let it through.

    Before any version decides, the images come unranked, so that the first normals can be labelled; of `narrow` only
    the search and the verdict then count.
    """
    if show not in LABELLED:
        raise Refused(f"show {show!r} is not known: choose {', '.join(LABELLED)}")
    if order not in KEYS:
        raise Refused(f"order {order!r} is not known: choose {', '.join(KEYS)}")
    narrow = replace(narrow, labelled=LABELLED[show])
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.deciding_version(session, project.id)
        if after is not None and isinstance(after, int) is not (version is None):
            raise Refused("after is no place in this list, which has changed since: begin again without it")
        if version is None:
            narrowed = {"labelled": narrow.labelled, "verdict": narrow.verdict, "search": narrow.search}
            found = images.unranked(session, project.id, **narrowed, limit=limit, after=after or 0)  # type: ignore[arg-type]
            items = [QueueItem(image.id, image.name, None, None, said, image.held_out) for image, said in found]
            return QueuePage(items, items[-1].image_id if len(items) == limit else None, None, None, 0)
        rule = rule_of(session, version)
        narrow = replace(narrow, cut=rule.cut)
        rows = scores.ranked(session, version_id=version.id, order=order, narrow=narrow, limit=limit, after=after)
        unscored = scores.count_new(session, version.id, project.id)
    return QueuePage(
        [_item(row, rule) for row in rows],
        rows[-1].cursor if len(rows) == limit else None,
        version.id,
        version.number,
        unscored,
    )


def known_types(context: Context, actor: Actor, project_slug: str) -> list[str]:
    """The project's defect types, in the order in which they came up."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        return [row.name for row in annotations.defect_types(session, project.id)]


def _item(row: scores.RankedImage, rule: Rule) -> QueueItem:
    standing = rule.place(row.score, row.standing)
    purpose = purpose_of(standing, row.novelty) if row.verdict is None else None
    return QueueItem(row.image_id, row.name, row.score, standing, row.verdict, row.held_out, purpose)
