"""The labelling queue: who gets which image next, and why it is asked about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.services.access import image_of, project_of
from app.services.audit_share import NoAudit, share_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.mixing import REMEMBERED, WORDS, Purpose, mixed, shares_with, why
from app.services.rule import Rule, rule_of
from app.services.score import QueueItem
from storage import annotations, images, leases, pool, scores, versions
from storage.models import Image, Role, Standing, Version
from storage.pool import Candidate

Ask = Literal["mixed", "defect", "boundary", "new", "audit", "check"]
ASKS: tuple[Ask, ...] = ("mixed", "defect", "boundary", "new", "audit", "check")
CHOSEN = "chosen"  # the purpose of a lease on an image that a person opened
FIRST: Purpose = "first"  # and of one that came before anything could rank it
SEEN = 40  # candidates per purpose that the mix chooses from
Source = Callable[..., list[Candidate]]
SOURCES: dict[Purpose, Source] = {
    "defect": pool.likely_defects,
    "boundary": pool.near_the_boundary,
    "new": pool.new_kinds,
    "audit": pool.audit,
    "check": pool.label_checks,
}


@dataclass(frozen=True)
class Wanted:
    """One image that the queue asks for: what for, and the figure behind it in words."""

    item: QueueItem
    purpose: Purpose
    why: str


@dataclass(frozen=True)
class Queue:
    """What comes next for one person.

    Attributes:
        wanted: the next images, the first one first.
        version_id: the deciding version's, None before day one.
        waiting_defect, waiting_margin: images without a label beyond and near what decides, at most 1,000 each.
        unscored: images that wait for the worker, at most 1,000.
        skipped, held: what this person put off, and what others have open.
        no_audit: why no part of the mix is drawn by lot; None where some is.
    """

    wanted: list[Wanted]
    version_id: int | None
    waiting_defect: int
    waiting_margin: int
    unscored: int
    skipped: int
    held: int
    no_audit: NoAudit | None = None


def queue_for(context: Context, actor: Actor, project_slug: str, *, ask: Ask = "mixed", limit: int = 24) -> Queue:
    """The next images for this person: a mix of purposes, or one of them.

    Raises:
        Refused: unknown project or purpose.
    """
    if ask not in ASKS:
        raise Refused(f"the queue has no purpose {ask!r}: choose {', '.join(ASKS)}")
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.deciding_version(session, project.id)
        away = (
            len(leases.skipped(session, project.id, actor.name)),
            len(leases.others(session, project.id, actor.name)),
        )
        if version is None:
            found = images.unranked(session, project.id, labelled=False, free_for=actor.name, limit=limit)
            return Queue([_first(image) for image, _ in found], None, 0, 0, 0, *away)
        audit = share_of(project)
        shares: dict[Purpose, float] = shares_with(audit.share) if ask == "mixed" else {ask: 1.0}
        rule = rule_of(session, version)
        chosen = _chosen(session, project.id, version, rule, actor, shares, limit)
        return Queue(
            [_wanted(version, rule, purpose, candidate) for purpose, candidate in chosen],
            version.id,
            scores.count_waiting(session, version.id, Standing.defect, rule.cut),
            scores.count_waiting(session, version.id, Standing.margin, rule.cut),
            scores.count_new(session, version.id, project.id),
            *away,
            no_audit=audit.off,
        )


def claim(context: Context, actor: Actor, project_slug: str, queue: Queue) -> Wanted | None:
    """Lease the first image of the queue that nobody took meanwhile; None when all are gone.

    What this person holds already comes first, so that a reload shows the same image.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.inspector)
        held = leases.leased_to(session, project.id, actor.name)
        mine = [wanted for wanted in queue.wanted if held and wanted.item.image_id == held.image_id]
        for wanted in [*mine, *queue.wanted]:
            given = {"image_id": wanted.item.image_id, "purpose": wanted.purpose}
            if leases.take(session, project_id=project.id, by=actor.name, **given):  # type: ignore[arg-type]
                return wanted
    return None


def hold(context: Context, actor: Actor, project_slug: str, image_id: int) -> tuple[str | None, Wanted | None]:
    """(who else has an image open, what the queue wants it for): for an image that was opened by its address.

    It becomes, or stays, this person's unless it is somebody else's; (None, None) when the person chose it.

    Raises:
        NotFound, Refused: there is no such image, or not in this project.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        image = image_of(session, actor, image_id, Role.viewer)
        if image.project_id != project.id:
            raise Refused(f"image {image_id} is not in {project_slug}: choose its project in the sidebar")
        version = versions.deciding_version(session, project.id)
        lease, worn = leases.holder(session, image_id), leases.is_worn(session, image_id)
        candidate = pool.one(session, version.id, image_id) if version else None
        rule = rule_of(session, version) if version else None
    mine = lease is not None and lease.by == actor.name
    if lease is not None and not mine:
        return lease.by, None
    purpose = lease.purpose if lease else CHOSEN
    if actor.may(Role.inspector) and worn:
        with context.database.write() as session:
            leases.take(session, project_id=project.id, image_id=image_id, by=actor.name, purpose=purpose)
    if version is None and purpose == FIRST:
        return None, _first(image)
    if purpose not in WORDS or version is None or rule is None or candidate is None:
        return None, None
    return None, _wanted(version, rule, purpose, candidate)


def skip(context: Context, actor: Actor, image_id: int) -> None:
    """Put an image off: the queue offers it to others, and to this person again only when asked to."""
    with context.database.write() as session:
        image = image_of(session, actor, image_id, Role.inspector)
        leases.skip(session, project_id=image.project_id, image_id=image_id, by=actor.name)


def offer_again(context: Context, actor: Actor, project_slug: str) -> int:
    """Bring back what this person put off; how many that is."""
    with context.database.write() as session:
        return leases.forget_skips(session, project_of(session, actor, project_slug, Role.inspector).id, actor.name)


def _chosen(
    session: Session,
    project_id: int,
    version: Version,
    rule: Rule,
    actor: Actor,
    shares: Mapping[Purpose, float],
    limit: int,
) -> list[tuple[Purpose, Candidate]]:
    wanted = [purpose for purpose, share in shares.items() if share > 0]
    each = SEEN if len(wanted) > 1 else max(SEEN, limit)
    given: dict[str, Any] = {"limit": each, "cut": rule.cut}
    candidates = {purpose: SOURCES[purpose](session, version.id, actor.name, **given) for purpose in wanted}
    done = annotations.latest_purposes(session, project_id, limit=REMEMBERED)
    return mixed(candidates, done=done, length=limit, shares=shares)


def _wanted(version: Version, rule: Rule, purpose: Purpose, candidate: Candidate) -> Wanted:
    part = next((row for row in version.boundaries if row["level"] == "part"), None)
    item = QueueItem(
        candidate.image_id,
        candidate.name,
        candidate.score,
        rule.place(candidate.score, candidate.standing),
        candidate.verdict,
        candidate.held_out,
        purpose,
    )
    return Wanted(item, purpose, why(candidate, purpose, part["spread"] if part else 1.0, rule))


def _first(image: Image) -> Wanted:
    item = QueueItem(image.id, image.name, None, None, None, image.held_out, FIRST)
    return Wanted(item, FIRST, "no version ranks the images yet: normal parts are needed first")
