"""The operating point: stop at most a share alpha of good parts, said with its evidence and its assumption."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.proportions import Share, normals_needed
from app.services.rule import BOUNDARY, Rule, false_alarms, recalls, reject_score, rule_of, unseen
from storage import audit, decisions, versions
from storage.decisions import Decided
from storage.models import OperatingPoint, Role, Verdict, Version

Promise = Literal["boundary", "expected", "confident"]
CARRIED = "carried_from"  # in a point's evidence: the version that decided by the same alpha before
CONFIDENCES = (0.9, 0.95, 0.99)  # those that `bgad_core.calibration` puts into a version
ASSUMPTION = (
    "It holds for good parts like those that calibrated it: the same product, camera and light, none of them chosen "
    "because of its score. New good parts that look otherwise break it; the Drift page watches for that."
)


@dataclass(frozen=True)
class Proposal:
    """A threshold for an alpha, before anybody sets it.

    Attributes:
        stop: scores above it are stopped; 0.5 is the boundary b_n.
        expected: share of good parts above it, on average over calibration sets.
        low, high: 90 % of calibration sets put the true share between them.
        upper: the share that is not exceeded with the confidence that was asked for; None for "expected".
    """

    promise: Promise
    alpha: float
    confidence: float | None
    normals: int
    rank: int
    stop: float
    reject: float
    expected: float
    low: float
    high: float
    upper: float | None


@dataclass(frozen=True)
class Consequence:
    """What a rule does to parts that the version was not made from.

    Attributes:
        recalls: per type, labelled defects that are stopped.
        alarms: labelled good parts that are stopped: an independent check of the promise.
        load: of the parts that nobody has labelled, how many are good, looked at, defect.
    """

    recalls: dict[str, Share]
    alarms: Share
    load: dict[str, int]


@dataclass(frozen=True)
class Curve:
    """Over thresholds, ascending: share of good parts stopped with its 90 % band, and share of defects missed.

    `missed` is empty without labelled defects that the version was not made from; `defects` says how many there are.
    """

    stops: list[float]
    stopped: list[float]
    low: list[float]
    high: list[float]
    missed: list[float]
    defects: int


@dataclass(frozen=True)
class OperatingView:
    """Everything that the page shows of one version."""

    number: int
    decides: bool
    normals: int
    smallest: dict[str, float]
    boundary: Rule
    standing: Rule
    curve: Curve
    history: list[OperatingPoint]


def operating_view(context: Context, actor: Actor, project_slug: str, number: int) -> OperatingView:
    """One version's curve, the rule that stands, and those before it.

    `smallest` has the lowest alpha that its calibration normals carry, per promise: "expected" or a confidence.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.version_by_number(session, project.id, number)
        deciding = versions.deciding_version(session, project.id)
        rows = unseen(decisions.decided(session, version.id), version)
        standing = rule_of(session, version)
        history = list(decisions.operating_points(session, version.id))
    table = _table(version)
    last = table["thresholds"][-1] if table["thresholds"] else None
    return OperatingView(
        number=number,
        decides=deciding is not None and deciding.id == version.id,
        normals=table["normals"],
        smallest={"expected": last["expected"], **last["upper"]} if last else {},
        boundary=Rule(BOUNDARY, reject_score(version)),
        standing=standing,
        curve=_curve(table, rows),
        history=history,
    )


def proposal(
    context: Context,
    actor: Actor,
    project_slug: str,
    number: int,
    *,
    alpha: float,
    promise: Promise = "confident",
    confidence: float = 0.9,
) -> tuple[Proposal, Consequence]:
    """The lowest threshold that stops at most `alpha` of good parts, and what it would do.

    Raises:
        Refused: too few calibration normals, with the number that is needed; or an alpha or confidence out of range.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.version_by_number(session, project.id, number)
        rows = unseen(decisions.decided(session, version.id), version)
    found = proposed(version, alpha, promise, confidence)
    point = OperatingPoint(stop=found.stop, reject=found.reject)
    return found, consequence(rows, Rule(found.stop, found.reject, point))


def standing_consequence(context: Context, actor: Actor, project_slug: str, number: int) -> Consequence:
    """What the rule that stands does."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.version_by_number(session, project.id, number)
        rows = unseen(decisions.decided(session, version.id), version)
        return consequence(rows, rule_of(session, version))


def consequence(rows: list[Decided], rule: Rule) -> Consequence:
    """What a rule does to scored parts."""
    load = Counter(rule.decide(row) for row in rows if row.verdict is None)
    return Consequence(recalls(rows, rule), false_alarms(rows, rule), {k: load[k] for k in ("good", "look", "defect")})


def set_operating_point(
    context: Context,
    actor: Actor,
    project_slug: str,
    number: int,
    *,
    promise: Promise,
    alpha: float | None = None,
    confidence: float = 0.9,
    reason: str = "",
) -> OperatingPoint:
    """Let a version decide by an alpha, or by its boundary again; what stood before stays on record.

    Raises:
        Refused: see `proposal`.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        version = versions.version_by_number(session, project.id, number)
        if promise == "boundary":
            facts: dict[str, Any] = {"promise": promise, "alpha": None, "confidence": None, "evidence": {}}
            facts |= {"stop": BOUNDARY, "reject": reject_score(version)}
        else:
            facts = facts_of(proposed(version, alpha or 0.0, promise, confidence))
        return keep_point(session, version, by=actor.name, reason=reason.strip(), facts=facts)


def keep_point(session: Session, version: Version, *, by: str, reason: str, facts: dict[str, Any]) -> OperatingPoint:
    """Let a version decide by these facts from now on, and enter that into the trail."""
    point = decisions.add_operating_point(session, version_id=version.id, by=by, reason=reason, **facts)
    details = {"version": version.number, **{name: facts[name] for name in ("promise", "alpha", "stop")}}
    if CARRIED in facts["evidence"]:
        details[CARRIED] = facts["evidence"][CARRIED]
    audit.record(session, by=by, action="operating point", details=details, project_id=version.project_id)
    return point


def facts_of(found: Proposal) -> dict[str, Any]:
    """A proposal as an operating point keeps it."""
    evidence = {name: getattr(found, name) for name in ("normals", "rank", "expected", "low", "high", "upper")}
    return {
        "promise": found.promise,
        "alpha": found.alpha,
        "confidence": found.confidence,
        "stop": found.stop,
        "reject": found.reject,
        "evidence": evidence,
    }


def proposed(version: Version, alpha: float, promise: Promise, confidence: float) -> Proposal:
    """The lowest threshold of a version that keeps a promise; see `proposal`."""
    if not 0 < alpha <= 0.5:
        raise Refused(f"{100 * alpha:g} % of good parts is out of range: choose a share above 0 and up to 50 %")
    if promise == "confident" and confidence not in CONFIDENCES:
        raise Refused(f"a confidence of {confidence:g} is not kept: choose {', '.join(map(str, CONFIDENCES))}")
    table = _table(version)
    key = f"{confidence:g}"
    bound = (lambda row: row["expected"]) if promise == "expected" else (lambda row: row["upper"][key])
    row = next((row for row in table["thresholds"] if bound(row) <= alpha + 1e-12), None)
    if row is None:
        needed = normals_needed(alpha, None if promise == "expected" else confidence)
        raise Refused(
            f"only {table['normals']} good parts calibrate v{version.number}, and {needed} are needed to say "
            f"{100 * alpha:g} %: a fifth of the normal parts calibrates, so bring in about {5 * needed} and retrain, "
            "or allow a larger share"
        )
    return Proposal(
        promise=promise,
        alpha=alpha,
        confidence=confidence if promise == "confident" else None,
        normals=table["normals"],
        rank=row["rank"],
        stop=row["stop"],
        reject=max(row["stop"], reject_score(version)),
        expected=row["expected"],
        low=row["low"],
        high=row["high"],
        upper=row["upper"][key] if promise == "confident" else None,
    )


def _table(version: Version) -> dict[str, Any]:
    return dict(version.metrics.get("calibration") or {"normals": 0, "thresholds": []})


def _curve(table: dict[str, Any], rows: list[Decided]) -> Curve:
    thresholds = table["thresholds"]
    defects = sorted(row.score for row in rows if row.verdict is Verdict.defect)
    stops = [row["stop"] for row in thresholds]
    return Curve(
        stops=stops,
        stopped=[row["expected"] for row in thresholds],
        low=[row["low"] for row in thresholds],
        high=[row["high"] for row in thresholds],
        missed=[sum(score <= stop for score in defects) / len(defects) for stop in stops] if defects else [],
        defects=len(defects),
    )
