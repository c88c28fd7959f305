"""What flips if another version decides, whether the gate lets it, and who let which version decide."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.carried import Carried, carry_over
from app.services.context import Context
from app.services.errors import Refused
from app.services.gate import Check, carried_words, checks, failed, gate_of, gate_words
from app.services.operating import CARRIED, keep_point
from app.services.rule import Rule, false_alarms, learnt_from, recalls, rule_of
from app.services.score import request_scoring
from storage import audit, decisions, scores, versions
from storage.decisions import Decided
from storage.models import Project, Promotion, Role, Verdict, Version


@dataclass(frozen=True)
class Flips:
    """Decisions that change, for one defect type or one person.

    Attributes:
        caught, lost: labelled defects that would be stopped now, and no longer.
        freed, stopped: labelled normal parts that would pass now, and no longer.
        open_stopped, open_freed: parts without such a label.
    """

    name: str
    caught: int = 0
    lost: int = 0
    freed: int = 0
    stopped: int = 0
    open_stopped: int = 0
    open_freed: int = 0


@dataclass(frozen=True)
class Flip:
    """One image whose decision changes; `row` is what the new version makes of it."""

    image_id: int
    before: bool
    after: bool
    change: float
    row: Decided


@dataclass(frozen=True)
class Impact:
    """What changes if another version decides, over all images that both have scored.

    The deciding version decides by its own rule, the other one by what it would decide by: its operating point, the
    deciding one's carried over, or its boundary.

    Attributes:
        images: how many both have scored.
        flipped: images whose decision changes: lost defects first, then the largest change of score.
        caught, missed, freed, stopped: as in `Flips`, over all; `missed` are the lost ones.
        by_type, by_person: the same by defect type ("good parts", "not labelled") and by who labelled.
        checks: the gate's answers.
        carried: what the other version would decide by, and what becomes of the operating point that stands.
        older: the version is older than the one that decides: promoting it rolls back, and no gate stands before that.
    """

    images: int
    flipped: list[Flip]
    caught: int
    missed: int
    freed: int
    stopped: int
    by_type: list[Flips]
    by_person: list[Flips]
    checks: list[Check]
    carried: Carried
    older: bool

    @property
    def flips(self) -> list[int]:
        """Their image ids."""
        return [flip.image_id for flip in self.flipped]


def impact(context: Context, actor: Actor, project_slug: str, number: int) -> Impact | None:
    """What flips if version `number` decides instead of the one that does; None when it does already."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        deciding = versions.deciding_version(session, project.id)
        candidate = versions.version_by_number(session, project.id, number)
        if deciding is None or deciding.id == candidate.id:
            return None
        return _impact(session, project, deciding, candidate)


def promote(
    context: Context, actor: Actor, project_slug: str, number: int, *, reason: str = "", override: bool = False
) -> Promotion:
    """Let a version decide from now on; images that it has not seen are queued for scoring.

    Args:
        override: promote although the gate says no; the reason is then needed, and kept with the gate's answers.

    Raises:
        Refused: it decides already, the gate says no, or an override has no reason.
        NotFound: the project has no version of that number.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        candidate = versions.version_by_number(session, project.id, number)
        deciding = versions.deciding_version(session, project.id)
        if deciding is not None and deciding.id == candidate.id:
            raise Refused(f"v{number} decides already: choose another version")
        found = _impact(session, project, deciding, candidate) if deciding else None
        kept = _answers(found, number, reason.strip(), override) if found else None
        if found and found.carried.facts:
            why = f"carried over from v{found.carried.facts['evidence'][CARRIED]}"
            keep_point(session, candidate, by=actor.name, reason=why, facts=found.carried.facts)
        done = let_decide(session, candidate, deciding, by=actor.name, reason=reason.strip(), kept=kept)
        unscored = scores.count_unscored(session, candidate.id, project.id)
    if unscored:
        request_scoring(context, actor, project_slug)
    return done


def let_decide(
    session: Session,
    candidate: Version,
    deciding: Version | None = None,
    *,
    by: str,
    reason: str,
    kept: dict[str, Any] | None = None,
) -> Promotion:
    """Promote a version and enter that into the trail: the one door, for people and for a project's first version.

    Args:
        deciding: the version whose place it takes; None for the first one.
        kept: what the gate computed, as the promotion keeps it.
    """
    done = versions.promote(
        session, project_id=candidate.project_id, version_id=candidate.id, by=by, reason=reason, gate=kept
    )
    details = {"version": candidate.number, "before": deciding.number if deciding else None, "reason": reason}
    details |= {"overridden": bool(kept and kept["overridden"]), "gate": gate_words(kept, by)}
    if words := carried_words(kept):
        details["operating point"] = words
    audit.record(session, by=by, action="promote", details=details, project_id=candidate.project_id)
    return done


def promotions_of(context: Context, actor: Actor, project_slug: str) -> list[tuple[Promotion, int]]:
    """(promotion, the version's number), the latest first."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        numbers = {version.id: version.number for version in versions.versions(session, project.id)}
        return [(row, numbers[row.version_id]) for row in versions.promotions(session, project.id)]


def _answers(found: Impact, number: int, reason: str, override: bool) -> dict[str, Any]:
    """The gate's answers as a promotion keeps them; Refused where they forbid it."""
    against = [] if found.older else failed(found.checks)
    if against and not override:
        words = "; ".join(f"{check.name}: {check.words}" for check in against)
        raise Refused(f"the gate holds v{number} back: {words}. Override it with a reason, or retrain")
    if against and not reason:
        raise Refused(f"overriding the gate for v{number} needs a reason: it is kept for the quality file")
    kept: dict[str, Any] = {"checks": [asdict(check) for check in found.checks], "overridden": bool(against)}
    if found.carried.words:
        kept["operating_point"] = {"words": found.carried.words, "stop": found.carried.rule.stop}
    return kept


def _impact(session: Session, project: Project, deciding: Version, candidate: Version) -> Impact:
    before = {row.image_id: row for row in decisions.decided(session, deciding.id)}
    after = {row.image_id: row for row in decisions.decided(session, candidate.id)}
    carried = carry_over(session, deciding, candidate)
    rules = carried.rule, rule_of(session, deciding)
    both = sorted(before.keys() & after.keys())
    flips = [flip for i in both if (flip := _flip(before[i], after[i], rules)) is not None]
    flips.sort(key=lambda flip: (not _lost(flip), -flip.change, flip.image_id))
    total = _counted("all", flips)
    return Impact(
        images=len(both),
        flipped=flips,
        caught=total.caught,
        missed=total.lost,
        freed=total.freed,
        stopped=total.stopped,
        by_type=_grouped(flips, _type_of),
        by_person=_grouped(flips, lambda row: row.by or "nobody yet"),
        checks=_checks(project, candidate, before, after, both, rules, total.lost),
        carried=carried,
        older=candidate.number < deciding.number,
    )


def _flip(before: Decided, after: Decided, rules: tuple[Rule, Rule]) -> Flip | None:
    new, old = rules
    stops, stopped = new.stops(after), old.stops(before)
    return Flip(after.image_id, stopped, stops, abs(after.score - before.score), after) if stops != stopped else None


def _checks(
    project: Project,
    candidate: Version,
    before: dict[int, Decided],
    after: dict[int, Decided],
    both: list[int],
    rules: tuple[Rule, Rule],
    lost: int,
) -> list[Check]:
    new, old = rules
    learnt = learnt_from(candidate)
    measured = [i for i in both if after[i].sha256 not in learnt]
    mine, theirs = [after[i] for i in measured], [before[i] for i in measured]
    confirmed = sum(before[i].verdict is Verdict.defect and old.stops(before[i]) for i in both)
    return checks(
        gate_of(project),
        lost=lost,
        confirmed=confirmed,
        recalls=(recalls(mine, new), recalls(theirs, old)),
        alarms=(false_alarms(mine, new), false_alarms(theirs, old)),
    )


def _lost(flip: Flip) -> bool:
    return flip.row.verdict is Verdict.defect and not flip.after


def _type_of(row: Decided) -> str:
    if row.verdict is Verdict.defect:
        return row.defect_type or "untyped"
    return {Verdict.normal: "good parts", Verdict.unsure: "unsure", None: "not labelled"}[row.verdict]


def _grouped(flips: Iterable[Flip], name: Callable[[Decided], str]) -> list[Flips]:
    groups: dict[str, list[Flip]] = {}
    for flip in flips:
        groups.setdefault(name(flip.row), []).append(flip)
    return [_counted(key, groups[key]) for key in sorted(groups)]


def _counted(name: str, flips: Iterable[Flip]) -> Flips:
    counts = {field: 0 for field in ("caught", "lost", "freed", "stopped", "open_stopped", "open_freed")}
    words = {Verdict.defect: ("caught", "lost"), Verdict.normal: ("stopped", "freed")}
    for flip in flips:
        verdict = flip.row.verdict
        stop, go = words.get(verdict, ("open_stopped", "open_freed")) if verdict else ("open_stopped", "open_freed")
        counts[stop if flip.after else go] += 1
    return Flips(name, **counts)
