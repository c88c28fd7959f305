"""What the deciding version lets pass, estimated from parts drawn by lot and not by their score: unbiased."""

from dataclasses import dataclass

from scipy.special import betaincinv

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.rule import rule_of
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
    with context.database.read() as session:
        version = versions.deciding_version(session, project_of(session, actor, project_slug, Role.viewer).id)
        if version is None:
            return None
        lots = pool.audited(session, version.id, limit=MOST, cut=rule_of(session, version).cut)
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
    low = float(betaincinv(found, of - found + 1, tail)) if found else 0.0
    high = float(betaincinv(found + 1, of - found, 1 - tail)) if found < of else 1.0
    return low, high
