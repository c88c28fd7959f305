"""Review versions: are normal and abnormal apart, does the boundary drift, what flips if another version decides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from app.services.projects import project_of
from app.services.score import request_scoring
from storage import annotations, audit, runs, scores, versions
from storage.models import Promotion, Role, Standing, Verdict, Version

GROUPS = ("normal", "known", "held-out", "new")


@dataclass(frozen=True)
class Histogram:
    """One level of one version, in shares of each group, so that groups of other sizes compare.

    Attributes:
        number: the version's number.
        centres: log-likelihoods at the bins' middles; higher is more normal.
        shares: per group, the share of its cells in each bin; empty groups are left out.
        cells: per group, how many cells were counted.
        b_n, b_a: the level's boundary, in the unit of `centres`.
        part_b_n: for the fused map, what a whole part's worst cell is held against; None elsewhere.
        margin: per group, the share of cells between b_a and b_n; empty for versions that did not keep it.
        overlap: shared area of normal cells and known defects, None where there are none.
    """

    number: int
    centres: list[float]
    shares: dict[str, list[float]]
    cells: dict[str, int]
    b_n: float
    b_a: float
    part_b_n: float | None
    margin: dict[str, float]
    overlap: float | None


@dataclass(frozen=True)
class DriftPoint:
    """One version's boundary at one level; `noise` is the spread of its normals, the yardstick for a move."""

    number: int
    at: datetime
    level: str
    b_n: float
    b_a: float
    median: float
    noise: float
    decides: bool


@dataclass(frozen=True)
class VersionView:
    """One version as the versions page shows it; `metrics` and `parent_metrics` are of the same held-out images."""

    id: int
    number: int
    parent_number: int | None
    at: datetime
    by: str
    reason: str
    decides: bool
    known_anomalies: int
    normals: int
    seconds: float
    device: str
    metrics: dict[str, Any] | None
    parent_metrics: dict[str, Any] | None


@dataclass(frozen=True)
class Impact:
    """What changes if another version decides, over all images that both have scored.

    A part is stopped when some place of it lies below b_n.

    Attributes:
        images: how many both have scored.
        flips: image ids whose decision changes, the largest change of score first.
        caught, missed: labelled defects that would be stopped now, and no longer.
        freed, stopped: labelled normal parts that would pass now, and no longer.
    """

    images: int
    flips: list[int]
    caught: int
    missed: int
    freed: int
    stopped: int


def likelihood_histograms(context: Context, actor: Actor, project_slug: str, number: int) -> dict[str, Histogram]:
    """A version's histograms by level, the fused map first."""
    require(actor, Role.viewer)
    with context.database.read() as session:
        project = project_of(session, project_slug)
        version = versions.version_by_number(session, project.id, number)
    order = sorted(version.histograms["edges"], key=lambda level: (level != "fused", level))
    return {level: _histogram(version, level) for level in order}


def boundary_drift(context: Context, actor: Actor, project_slug: str) -> list[DriftPoint]:
    """The boundaries of all versions, the oldest first."""
    require(actor, Role.viewer)
    with context.database.read() as session:
        project = project_of(session, project_slug)
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
        )
        for version in reversed(found)
        for row in version.boundaries
    ]


def versions_view(context: Context, actor: Actor, project_slug: str) -> list[VersionView]:
    """All versions, the latest first."""
    require(actor, Role.viewer)
    with context.database.read() as session:
        project = project_of(session, project_slug)
        found = versions.versions(session, project.id)
        deciding = versions.deciding_version(session, project.id)
        started = {version.id: runs.run(session, version.run_id) for version in found}
    numbers = {version.id: version.number for version in found}
    return [
        VersionView(
            id=version.id,
            number=version.number,
            parent_number=numbers.get(version.parent_id or 0),
            at=version.created_at,
            by=run.by if (run := started[version.id]) else "",
            reason=run.reason if run else "",
            decides=deciding is not None and version.id == deciding.id,
            known_anomalies=version.known_anomalies,
            normals=len(version.snapshot.get("normals", [])) + len(version.snapshot.get("calibration", [])),
            seconds=version.seconds,
            device=version.device,
            metrics=version.metrics["held_out"]["this"],
            parent_metrics=version.metrics["held_out"]["parent"],
        )
        for version in found
    ]


def impact(context: Context, actor: Actor, project_slug: str, number: int) -> Impact | None:
    """What flips if version `number` decides instead of the one that does; None when it does already."""
    require(actor, Role.viewer)
    with context.database.read() as session:
        project = project_of(session, project_slug)
        deciding = versions.deciding_version(session, project.id)
        candidate = versions.version_by_number(session, project.id, number)
        if deciding is None or deciding.id == candidate.id:
            return None
        before = {row.image_id: row for row in scores.scores_of(session, deciding.id)}
        after = {row.image_id: row for row in scores.scores_of(session, candidate.id)}
        said = {row.image_id: row.verdict for row in annotations.current_annotations(session, project.id)}
    both = before.keys() & after.keys()
    stops = {i: after[i].standing is not Standing.normal for i in both}
    flips = [i for i in both if stops[i] != (before[i].standing is not Standing.normal)]
    flips.sort(key=lambda i: (-abs(after[i].score - before[i].score), i))

    def count(verdict: Verdict, *, stop: bool) -> int:
        return sum(said.get(i) is verdict and stops[i] is stop for i in flips)

    return Impact(
        images=len(both),
        flips=flips,
        caught=count(Verdict.defect, stop=True),
        missed=count(Verdict.defect, stop=False),
        freed=count(Verdict.normal, stop=False),
        stopped=count(Verdict.normal, stop=True),
    )


def promote(context: Context, actor: Actor, project_slug: str, number: int, *, reason: str = "") -> Promotion:
    """Let a version decide from now on; an older one is a rollback. Images it has not seen are queued for scoring.

    Raises:
        Refused: it decides already.
        NotFound: the project has no version of that number.
    """
    require(actor, Role.engineer)
    with context.database.write() as session:
        project = project_of(session, project_slug)
        candidate = versions.version_by_number(session, project.id, number)
        deciding = versions.deciding_version(session, project.id)
        if deciding is not None and deciding.id == candidate.id:
            raise Refused(f"v{number} decides already: choose another version")
        done = versions.promote(
            session, project_id=project.id, version_id=candidate.id, by=actor.name, reason=reason.strip()
        )
        details = {"version": number, "before": deciding.number if deciding else None, "reason": reason}
        audit.record(session, by=actor.name, action="promote", details=details, project_id=project.id)
        unscored = scores.count_unscored(session, candidate.id, project.id)
    if unscored:
        request_scoring(context, actor, project_slug)
    return done


def promotions_of(context: Context, actor: Actor, project_slug: str) -> list[tuple[Promotion, int]]:
    """(promotion, the version's number), the latest first."""
    require(actor, Role.viewer)
    with context.database.read() as session:
        project = project_of(session, project_slug)
        numbers = {version.id: version.number for version in versions.versions(session, project.id)}
        return [(row, numbers[row.version_id]) for row in versions.promotions(session, project.id)]


def _histogram(version: Version, level: str) -> Histogram:
    low, high, bins = version.histograms["edges"][level]
    counts = version.histograms["counts"][level]
    boundary = {row["level"]: row for row in version.boundaries}
    cells = {group: sum(counts[group]) for group in GROUPS}
    width = (high - low) / bins
    return Histogram(
        number=version.number,
        centres=[low + (i + 0.5) * width for i in range(bins)],
        shares={g: [n / cells[g] for n in counts[g]] for g in GROUPS if cells[g]},
        cells=cells,
        b_n=boundary[level]["b_n"],
        b_a=boundary[level]["b_a"],
        part_b_n=boundary["part"]["b_n"] if level == "fused" else None,
        margin=version.histograms.get("margin", {}).get(level, {}),
        overlap=version.histograms.get("overlap", {}).get(level),
    )
