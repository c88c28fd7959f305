"""What becomes of the operating point when another version decides: kept, carried over by its alpha, or dropped, said.

A threshold belongs to the scores of one version. What goes on is what it promised: the candidate gets its own
threshold for the same alpha, from its own calibration parts.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.operating import CARRIED, Promise, facts_of, proposed
from app.services.rule import BOUNDARY, Rule, point_words, reject_score, rule_of
from storage import decisions, versions
from storage.models import OperatingPoint, Role, Version

PROMISES: dict[str, Promise] = {"expected": "expected", "confident": "confident"}


@dataclass(frozen=True)
class Carried:
    """The rule that a version decides by once it is promoted, and how it came to it.

    Attributes:
        words: what becomes of the operating points, in a sentence; "" where neither version has one.
        dropped: a point stands now, and the boundary would decide after.
        facts: the point that the promotion adds for it; None where nothing is carried over.
    """

    rule: Rule
    words: str = ""
    dropped: bool = False
    facts: dict[str, Any] | None = None


def carry_over(session: Session, deciding: Version, candidate: Version) -> Carried:
    """What `candidate` decides by if it takes the place of `deciding`.

    A point of its own stays, unless it was itself carried over and the candidate is the newer one: then what stands
    now was decided later.
    """
    standing, own = rule_of(session, candidate), decisions.operating_point(session, candidate.id)
    old = rule_of(session, deciding).point
    if old is None or candidate.id == deciding.id:
        return Carried(standing, f"v{candidate.number} decides by its {point_words(own)}." if standing.point else "")
    if own is not None and (candidate.number < deciding.number or CARRIED not in own.evidence):
        return _own(deciding, old, candidate, own, standing)
    try:
        facts = _again(old, deciding, candidate)
    except Refused as refused:
        words = f"{_dropped(deciding, old)}: {refused}. After the promotion v{candidate.number} decides by its "
        return Carried(Rule(BOUNDARY, reject_score(candidate)), words + "boundary b_n.", dropped=True)
    words = (
        f"The {point_words(old)} is carried over: v{deciding.number} stops above {old.stop:.3f}, "
        f"v{candidate.number} above {facts['stop']:.3f}, by its own {facts['evidence']['normals']} calibration parts."
    )
    return Carried(Rule(facts["stop"], facts["reject"], OperatingPoint(**facts)), words, facts=facts)


def if_promoted(context: Context, actor: Actor, project_slug: str, number: int) -> Carried | None:
    """What version `number` decides by if it is promoted; None when it decides already."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        candidate = versions.version_by_number(session, project.id, number)
        deciding = versions.deciding_version(session, project.id)
        return carry_over(session, deciding, candidate) if deciding and deciding.id != candidate.id else None


def _own(deciding: Version, old: OperatingPoint, candidate: Version, own: OperatingPoint, standing: Rule) -> Carried:
    theirs = _dropped(deciding, old)
    if standing.point is None:
        back = f"{own.by} set v{candidate.number} back to its boundary b_n on {own.created_at:%Y-%m-%d}"
        return Carried(standing, f"{theirs}: {back}, and that decides after the promotion.", dropped=True)
    mine = f"v{candidate.number} keeps its own {point_words(own)} and stops above {own.stop:.3f}"
    return Carried(standing, f"{mine}; {theirs}.")


def _dropped(deciding: Version, old: OperatingPoint) -> str:
    return f"v{deciding.number}'s {point_words(old)} is not carried over"


def _again(old: OperatingPoint, deciding: Version, candidate: Version) -> dict[str, Any]:
    """The point for the same alpha on the candidate's own calibration; Refused where there is none."""
    if old.alpha is None or old.promise not in PROMISES:
        raise Refused(f"it was set by hand at {old.stop:.3f}, without an α to calibrate v{candidate.number} by")
    found = facts_of(proposed(candidate, old.alpha, PROMISES[old.promise], old.confidence or 0.0))
    return {**found, "evidence": {**found["evidence"], CARRIED: deciding.number}}
