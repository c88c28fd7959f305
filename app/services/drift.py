"""Does the boundary move more than noise? Every version's boundary with its bands, and the alarms that were raised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from storage import versions
from storage.models import Role, Version

FIGURES = ("b_n", "b_a", "spread", "margin", "overlap")


@dataclass(frozen=True)
class DriftPoint:
    """One version's boundary at one level.

    Attributes:
        noise: the spread of its normals, median - b_n: the yardstick for a move.
        bands: per figure of `FIGURES` (value, low, high): the central 90 % over other calibration parts; what the
            version did not keep is missing.
    """

    number: int
    at: datetime
    level: str
    b_n: float
    b_a: float
    median: float
    noise: float
    decides: bool
    bands: dict[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Judgement:
    """What was found when a version was made, against the version that decided then.

    Attributes:
        repeats: independent retrains on the same labels that the noise of training was known from.
        judged: whether they were enough to judge a move of b_n at all.
        moves: per level (move, what chance stays within; None while not judged).
        shift: the test of newer good parts under the other version; None with too few parts.
        alarms: sentences; none where nothing moved more than chance.
    """

    number: int
    against: int
    repeats: int
    judged: bool
    moves: dict[str, tuple[float, float | None]]
    shift: dict[str, Any] | None
    alarms: list[str]


def boundary_drift(context: Context, actor: Actor, project_slug: str) -> list[DriftPoint]:
    """The boundaries of all versions, the oldest first."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        found = versions.versions(session, project.id)
        deciding = versions.deciding_version(session, project.id)
    return [
        DriftPoint(
            number=version.number,
            at=version.created_at,
            level=row["level"],
            b_n=row["b_n"],
            b_a=row["b_a"],
            median=row["median"],
            noise=row["spread"],
            decides=deciding is not None and version.id == deciding.id,
            bands=_bands(version, row["level"]),
        )
        for version in reversed(found)
        for row in version.boundaries
    ]


def judgements(context: Context, actor: Actor, project_slug: str) -> list[Judgement]:
    """What was found of each version, the latest first; the first version has nothing to be held against."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        found = versions.versions(session, project.id)
    return [judgement for version in found if (judgement := _judgement(version)) is not None]


def open_alarms(session: Session, project_id: int) -> list[tuple[int, str]]:
    """(version number, alarm) of the version that decides and of the newest, which may decide next."""
    newest = next(iter(versions.versions(session, project_id)), None)
    deciding = versions.deciding_version(session, project_id)
    chosen = {version.number: version for version in (deciding, newest) if version is not None}
    return [
        (number, alarm)
        for number, version in sorted(chosen.items())
        for alarm in (version.metrics.get("drift") or {}).get("alarms", [])
    ]


def _bands(version: Version, level: str) -> dict[str, tuple[float, float, float]]:
    kept = version.histograms.get("bands", {}).get(level, {})
    return {name: (row["value"], row["low"], row["high"]) for name, row in kept.items()}


def _judgement(version: Version) -> Judgement | None:
    drift = version.metrics.get("drift")
    if not drift:
        return None
    return Judgement(
        number=version.number,
        against=drift["against"],
        repeats=drift["repeats"],
        judged=any(move["limit"] is not None for move in drift["moves"]),
        moves={move["level"]: (move["move"], move["limit"]) for move in drift["moves"]},
        shift=drift["shift"],
        alarms=drift["alarms"],
    )
