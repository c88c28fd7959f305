"""What the deciding version lets pass, estimated from parts drawn by lot and not by their score: unbiased."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.services.authority import Actor, require
from app.services.context import Context
from app.services.projects import project_of
from storage import pool, versions
from storage.models import Role, Verdict

MOST = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Escapes:
    """Defects among the parts that a version passes.

    Attributes:
        checked: parts looked at, in the order of their lots, without a gap.
        found: defects among them.
        unsure: of `checked`, those where nobody could tell; they are in neither `found` nor the denominator.
        low, high: 95 % Clopper-Pearson interval of the share; an unsure part counts as a defect for `high` alone.
    """

    checked: int
    found: int
    unsure: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """None before anything was checked."""
        sure = self.checked - self.unsure
        return self.found / sure if sure else None


def escapes(context: Context, actor: Actor, project_slug: str) -> Escapes | None:
    """The estimate for the deciding version; None before one decides.

    Only the unbroken run of labelled lots counts: those behind the first gap were labelled for another reason (they
    looked abnormal, or somebody chose them), and would bias the share.
    """
    require(actor, Role.viewer)
    with context.database.read() as session:
        version = versions.deciding_version(session, project_of(session, project_slug).id)
        if version is None:
            return None
        lots = pool.audited(session, version.id, limit=MOST)
    verdicts: list[Verdict] = []
    for _, verdict in lots:
        if verdict is None:
            break
        verdicts.append(verdict)
    found, unsure = verdicts.count(Verdict.defect), verdicts.count(Verdict.unsure)
    low = interval(found, len(verdicts), CONFIDENCE)[0]
    return Escapes(len(verdicts), found, unsure, low, interval(found + unsure, len(verdicts), CONFIDENCE)[1])


def interval(found: int, of: int, confidence: float) -> tuple[float, float]:
    """Clopper-Pearson interval of a share; (0, 1) of nothing."""
    if of == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if found == 0 else _solve(lambda p: 1 - _at_most(found - 1, of, p), tail)
    high = 1.0 if found == of else 1 - _solve(lambda q: _at_most(found, of, 1 - q), tail)
    return low, high


def _at_most(found: int, of: int, share: float) -> float:
    """P(X <= found) of a binomial, summed in logarithms."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if found >= of else 0.0
    choose = math.lgamma(of + 1)
    terms = (
        choose - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * math.log(share) + (of - k) * math.log1p(-share)
        for k in range(found + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Where a rising function on [0, 1] reaches a value."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
