"""How a version decides on a part: by its boundary, or by the operating point that an engineer set."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from app.services.proportions import Share
from storage import decisions
from storage.decisions import Decided
from storage.models import OperatingPoint, Standing, Verdict, Version

Decision = Literal["good", "look", "defect"]
BY_STANDING: dict[Standing, Decision] = {
    Standing.normal: "good",
    Standing.margin: "look",
    Standing.defect: "defect",
}
BOUNDARY = 0.5  # the score of a part whose lowest place lies exactly at b_n


@dataclass(frozen=True)
class Rule:
    """Good up to `stop`, defect above `reject`, and between them somebody looks; scores are in [0, 1).

    `point` is the operating point behind it; without one the boundary decides, and standings are what was stored.
    """

    stop: float
    reject: float
    point: OperatingPoint | None = None

    def decide(self, row: Decided) -> Decision:
        return self.judge(row.score, row.standing)

    def judge(self, score: float, standing: Standing) -> Decision:
        if self.point is None:
            return BY_STANDING[standing]
        return "good" if score <= self.stop else "look" if score <= self.reject else "defect"

    def stops(self, row: Decided) -> bool:
        return self.decide(row) != "good"


def rule_of(session: Session, version: Version) -> Rule:
    """The rule that stands for a version."""
    point = decisions.operating_point(session, version.id)
    if point is None or point.promise == "boundary":
        return Rule(BOUNDARY, reject_score(version))
    return Rule(point.stop, point.reject, point)


def point_words(point: OperatingPoint | None) -> str:
    """A rule's name: the boundary, or the operating point with what it promises."""
    if point is None or point.promise == "boundary":
        return "boundary b_n"
    if point.alpha is None:
        return "operating point set by hand"
    sure = f"{100 * point.confidence:g} % confidence" if point.confidence else "on average"
    return f"operating point α = {100 * point.alpha:g} % ({sure})"


def reject_score(version: Version) -> float:
    """The score at the part's b_a: beyond it a place is a defect without a second look."""
    rows = {row["level"]: row for row in version.boundaries}
    if "part" not in rows or "fused" not in rows:
        return BOUNDARY
    median, part = rows["fused"]["median"], rows["part"]
    u = (median - part["b_a"]) / (median - part["b_n"])
    return float(u / (1 + u))


def learnt_from(version: Version) -> set[str]:
    """Content hashes of all images that a version was made from: what measures it must be none of them."""
    snapshot = version.snapshot
    anomalies = {row["sha256"] for row in snapshot.get("anomalies", [])}
    return {*snapshot.get("normals", []), *snapshot.get("calibration", []), *anomalies}


def unseen(rows: Iterable[Decided], version: Version) -> list[Decided]:
    """Those that the version was not made from."""
    learnt = learnt_from(version)
    return [row for row in rows if row.sha256 not in learnt]


def recalls(rows: Iterable[Decided], rule: Rule) -> dict[str, Share]:
    """Per defect type how many of its labelled defects are stopped; "untyped" where nobody gave one."""
    found: dict[str, list[bool]] = {}
    for row in rows:
        if row.verdict is Verdict.defect:
            found.setdefault(row.defect_type or "untyped", []).append(rule.stops(row))
    return {name: Share(sum(stopped), len(stopped)) for name, stopped in sorted(found.items())}


def false_alarms(rows: Iterable[Decided], rule: Rule) -> Share:
    """How many parts that are labelled normal are stopped."""
    stopped = [rule.stops(row) for row in rows if row.verdict is Verdict.normal]
    return Share(sum(stopped), len(stopped))
