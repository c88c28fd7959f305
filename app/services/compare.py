"""Compare two versions on the same held-out images, each by the rule that it would decide by."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.services.access import project_of
from app.services.authority import Actor
from app.services.carried import carry_over
from app.services.context import Context
from app.services.errors import Refused
from app.services.proportions import Share
from app.services.rule import Decision, Rule, false_alarms, recalls
from storage import annotations, audit, decisions, versions
from storage.decisions import Decided
from storage.models import ACTIVE, Role, Run, Verdict, Version

KIND = "compare"


@dataclass(frozen=True)
class Side:
    """One of the two versions on the held-out set.

    Attributes:
        id: the version's, which heatmaps are asked for by.
        rule: what it decides by, or would if it were promoted.
        metrics: image AUROC, pixel AUROC, PRO, AP, AUPIMO and what they rest on; None until a worker measured them.
        recalls: per type, held-out defects that it stops.
        alarms: held-out good parts that it stops.
        learnt: how many of the held-out images it was made from; more than 0 makes its figures too good.
    """

    id: int
    number: int
    metrics: dict[str, Any] | None
    rule: Rule
    recalls: dict[str, Share]
    alarms: Share
    learnt: int


@dataclass(frozen=True)
class Pair:
    """One held-out image under both versions; `scores` and `decided` are None where a version has not seen it."""

    image_id: int
    name: str
    verdict: Verdict
    defect_type: str | None
    scores: tuple[float | None, float | None]
    decided: tuple[Decision | None, Decision | None]

    @property
    def differs(self) -> bool:
        return (self.decided[0] == "good") != (self.decided[1] == "good")


@dataclass(frozen=True)
class Comparison:
    """Two versions on the present held-out set; `digest` names it. `active_run` measures what is missing."""

    digest: str
    normals: int
    defects: int
    sides: tuple[Side, Side]
    pairs: list[Pair]
    active_run: str | None

    @property
    def complete(self) -> bool:
        return all(side.metrics is not None for side in self.sides)


def comparison(context: Context, actor: Actor, project_slug: str, first: int, second: int) -> Comparison:
    """Raises Refused when nothing is held out, NotFound when the project has no version of a number."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        held = decisions.held_out_set(session, project.id)
        if not held:
            raise Refused(
                "no held-out image has a label, so nothing compares two versions: bring in a `test` folder beside "
                "`train`, with good parts and defects in folders named by type"
            )
        digest = decisions.set_digest(held)
        ids = {image.id for image, _ in held}
        found = [versions.version_by_number(session, project.id, number) for number in (first, second)]
        rows = [
            {row.image_id: row for row in decisions.decided(session, version.id) if row.image_id in ids}
            for version in found
        ]
        deciding = versions.deciding_version(session, project.id)
        rules = [carry_over(session, deciding or version, version).rule for version in found]
        sides = [_side(session, *each, digest) for each in zip(found, rules, rows, strict=True)]
        active = session.scalar(_active(project.id))
        types = {row.id: row.name for row in annotations.defect_types(session, project.id)}
    defects = sum(said.verdict is Verdict.defect for _, said in held)
    pairs = [
        _pair(image.id, image.name, said.verdict or Verdict.unsure, types.get(said.defect_type_id or 0), rows, sides)
        for image, said in held
    ]
    pairs.sort(key=lambda pair: (not pair.differs, -_change(pair), pair.image_id))
    return Comparison(digest, len(held) - defects, defects, (sides[0], sides[1]), pairs, active)


def request_comparison(context: Context, actor: Actor, project_slug: str, first: int, second: int) -> str:
    """Queue the measuring of two versions on the present held-out set; a run that waits or works is returned."""
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        for number in (first, second):
            versions.version_by_number(session, project.id, number)
        if found := session.scalar(_active(project.id)):
            return found
        reason = f"v{first} against v{second}"
        arguments = {"versions": [first, second]}
        run_id = jobs.submit(
            session, project_id=project.id, kind=KIND, by=actor.name, reason=reason, arguments=arguments
        )
        audit.record(session, by=actor.name, action=KIND, details={"run": run_id, **arguments}, project_id=project.id)
    return run_id


def _active(project_id: int) -> Any:
    return select(Run.id).where(Run.project_id == project_id, Run.kind == KIND, Run.state.in_(ACTIVE))


def _side(session: Session, version: Version, rule: Rule, rows: dict[int, Decided], digest: str) -> Side:
    kept = decisions.evaluation(session, version.id, digest)
    learnt = {*version.snapshot.get("normals", []), *(row["sha256"] for row in version.snapshot.get("anomalies", []))}
    return Side(
        id=version.id,
        number=version.number,
        metrics=kept.metrics if kept else None,
        rule=rule,
        recalls=recalls(rows.values(), rule),
        alarms=false_alarms(rows.values(), rule),
        learnt=sum(row.sha256 in learnt for row in rows.values()),
    )


def _pair(
    image_id: int, name: str, verdict: Verdict, kind: str | None, rows: list[dict[int, Decided]], sides: list[Side]
) -> Pair:
    first, second = (found.get(image_id) for found in rows)
    return Pair(
        image_id=image_id,
        name=name,
        verdict=verdict,
        defect_type=kind,
        scores=(first.score if first else None, second.score if second else None),
        decided=(
            sides[0].rule.decide(first) if first else None,
            sides[1].rule.decide(second) if second else None,
        ),
    )


def _change(pair: Pair) -> float:
    first, second = pair.scores
    return 0.0 if first is None or second is None else abs(first - second)
