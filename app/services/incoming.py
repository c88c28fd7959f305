"""Does what comes in still look like the good parts that calibrated the version that decides? Day by day.

If it does, each new good part lies above the calibration parts' median with a chance of one half, whatever the scores'
law is: the k-th smallest of n scores is exceeded by K of m new ones with K ~ BetaBinomial(m, n - k + 1, k). A few
defects among them move that share by half of their own; another lamp, lens or lot moves it for all.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np
from scipy.special import betaln, gammaln

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.proportions import Share
from app.services.rule import learnt_from, rule_of
from storage import scores, versions
from storage.models import Role, Version, now

DAYS = 30
CHANCE = 0.001  # how often a day alarms although nothing changed


@dataclass(frozen=True)
class Day:
    """The parts that came in on one day without a label.

    Attributes:
        median: of their scores; higher is more abnormal.
        stopped: how many the standing rule does not let pass.
        above: how many score above the calibration parts' median.
        p: how often chance alone puts so few or so many above it; a handful of parts never makes it small.
        alarm: a sentence, or None.
    """

    day: date
    parts: int
    median: float
    stopped: Share
    above: int
    p: float
    alarm: str | None


@dataclass(frozen=True)
class Incoming:
    """The last days under the version that decides.

    Attributes:
        normals: calibration parts.
        usual: the median of their scores.
    """

    number: int
    normals: int
    usual: float
    days: list[Day]

    @property
    def alarms(self) -> list[str]:
        return [day.alarm for day in self.days if day.alarm]


def incoming_drift(context: Context, actor: Actor, project_slug: str, *, days: int = DAYS) -> Incoming | None:
    """The days on which unlabelled parts came in, the oldest first; None before any version decides."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.deciding_version(session, project.id)
        if version is None or (found := _middle(version)) is None:
            return None
        since = now() - timedelta(days=days)
        learnt, rule = learnt_from(version), rule_of(session, version)
        came: dict[date, list[scores.Arrived]] = {}
        for row in scores.arrived(session, version.id, since=since):
            if row.sha256 not in learnt:
                came.setdefault(row.at.date(), []).append(row)
    normals, rank, usual = found
    judged = []
    for day, rows in sorted(came.items()):
        values = [row.score for row in rows]
        stopped = sum(rule.judge(row.score, row.standing) != "good" for row in rows)
        above = sum(value > usual for value in values)
        p = chance_of(above, len(values), rank, normals)
        share = Share(stopped, len(values))
        judged.append(
            Day(day, len(values), median(values), share, above, p, _alarm(day, above, len(values), p, normals))
        )
    return Incoming(version.number, normals, usual, judged)


def chance_of(above: int, parts: int, rank: int, normals: int) -> float:
    """Two-sided chance that so few or so many of `parts` new ones exceed the `rank`-th smallest of `normals`."""
    k = np.arange(parts + 1)
    a, b = normals - rank + 1, rank
    choose = gammaln(parts + 1) - gammaln(k + 1) - gammaln(parts - k + 1)
    law = np.exp(choose + betaln(k + a, parts - k + b) - betaln(a, b))
    tail = min(float(law[: above + 1].sum()), float(law[above:].sum()))
    return min(1.0, 2 * tail)


def _middle(version: Version) -> tuple[int, int, float] | None:
    """(calibration parts, rank, score) of the kept threshold nearest to their middle."""
    table = version.metrics.get("calibration") or {"normals": 0, "thresholds": []}
    rows, count = table["thresholds"], table["normals"]
    if not rows:
        return None
    row = min(rows, key=lambda row: abs(row["rank"] - (count + 1) / 2))
    return count, row["rank"], row["stop"]


def _alarm(day: date, above: int, parts: int, p: float, normals: int) -> str | None:
    if p >= CHANCE:
        return None
    way = "more abnormal" if 2 * above > parts else "more normal"
    return (
        f"the parts of {day:%Y-%m-%d} look {way} than the {normals} good parts that calibrated: {above} of {parts} "
        f"lie above their median, where half should (chance {p:.1g}). Look at light, lens and lot; then label some and "
        "retrain"
    )
