"""How a version decides on a part: by its boundary, or by the operating point that an engineer set; and its words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.proportions import Share
from storage import decisions, versions
from storage.decisions import Decided
from storage.models import OperatingPoint, Role, Standing, Verdict, Version
from storage.scores import Cut

Decision = Literal["good", "look", "defect"]
BY_STANDING: dict[Standing, Decision] = {
    Standing.normal: "good",
    Standing.margin: "look",
    Standing.defect: "defect",
}
EDITED = "edited"  # an operating point's promise: somebody wrote it into a bundle, and no rate was stated
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
        return BY_STANDING[self.place(score, standing)]

    def place(self, score: float, standing: Standing) -> Standing:
        """Where a part stands by what decides; `standing` is that by the boundary, as it was stored."""
        if self.point is None:
            return standing
        if score <= self.stop:
            return Standing.normal
        return Standing.margin if score <= self.reject else Standing.defect

    def stops(self, row: Decided) -> bool:
        return self.decide(row) != "good"

    @property
    def cut(self) -> Cut | None:
        """What a query of scores goes by; None where the boundary decides."""
        return Cut(self.stop, self.reject) if self.point is not None else None

    @property
    def name(self) -> str:
        """What a part lies inside of, near, or beyond."""
        return "boundary" if self.point is None else "operating point"

    @property
    def line(self) -> str:
        """The score above which parts are stopped, in a sentence."""
        if self.point is None:
            return f"A score above {self.stop:.2f} lies beyond b_n."
        return f"A score above {self.stop:.3f} is stopped: {point_words(self.point)}."

    def standing_words(self, standing: Standing) -> str:
        """Where a part of this standing lies, against what decides."""
        side = {Standing.normal: "inside", Standing.margin: "near", Standing.defect: "beyond"}[standing]
        return f"{side} the {self.name}"


def deciding_rule(context: Context, actor: Actor, project_slug: str) -> Rule:
    """What parts are judged by now: its words and its threshold are those of every page; b_n before any version."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.deciding_version(session, project.id)
        return rule_of(session, version) if version else Rule(BOUNDARY, BOUNDARY)


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
        return "operating point of an edited bundle" if point.promise == EDITED else "operating point set by hand"
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


def line_at(version: Version, score: float) -> float | None:
    """The lowest fused log-likelihood that scores `score` in [0, 1); None for versions without a part's boundary."""
    rows = {row["level"]: row for row in version.boundaries}
    if "part" not in rows or "fused" not in rows:
        return None
    median = rows["fused"]["median"]
    return float(median - score / max(1 - score, 1e-9) * (median - rows["part"]["b_n"]))


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
