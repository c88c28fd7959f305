"""Review versions: what each was made from, how well it measures, and whether normal and abnormal are apart."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.rule import Rule, line_at, rule_of
from storage import runs, versions
from storage.models import Role, Version

METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "pro": "PRO", "ap": "AP", "aupimo": "AUPIMO"}
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
        part_stop: what it is held against instead where the version has an operating point; None elsewhere.
        decides: the version's rule, in a sentence.
        margin: per group, the share of cells between b_a and b_n; empty for versions that did not keep it.
        sides: per group, how many cells lie at or below b_a, in the margin, and at or above b_n.
        overlap: shared area of normal cells and known defects, None where there are none.
        overlap_held_out: the same of held-out defects, from which no version learns.
    """

    number: int
    centres: list[float]
    shares: dict[str, list[float]]
    cells: dict[str, int]
    b_n: float
    b_a: float
    part_b_n: float | None
    part_stop: float | None
    decides: str
    margin: dict[str, float]
    sides: dict[str, list[int]]
    overlap: float | None
    overlap_held_out: float | None


@dataclass(frozen=True)
class VersionView:
    """One version as the versions page shows it; `metrics` and `parent_metrics` are of the same held-out images.

    `provenance` names what it was made from: code, seed, score reference, checkpoint, calibration parts, snapshot.
    """

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
    alarms: list[str]
    provenance: dict[str, str]


def likelihood_histograms(context: Context, actor: Actor, project_slug: str, number: int) -> dict[str, Histogram]:
    """A version's histograms by level, the fused map first."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        version = versions.version_by_number(session, project.id, number)
        rule = rule_of(session, version)
    order = sorted(version.histograms["edges"], key=lambda level: (level != "fused", level))
    return {level: _histogram(version, rule, level) for level in order}


def in_bins_of(this: Histogram, other: Histogram) -> dict[str, list[float]]:
    """The other version's shares as bins as wide as these would have them: two curves over one axis compare."""
    width, theirs = (found.centres[1] - found.centres[0] for found in (this, other))
    return {group: [share * width / theirs for share in shares] for group, shares in other.shares.items()}


def histogram_csv(this: Histogram, other: Histogram | None = None) -> str:
    """One level of one or two versions as CSV: a row per version, group and bin, with its share and the boundary."""
    lines = ["version,group,log_p,share,cells,b_n,b_a"]
    for found in [this] if other is None else [this, other]:
        for group, shares in found.shares.items():
            lines += [
                f"{found.number},{group},{centre:.6f},{share:.8f},{found.cells[group]},{found.b_n:.6f},{found.b_a:.6f}"
                for centre, share in zip(found.centres, shares, strict=True)
            ]
    return "\n".join(lines) + "\n"


def sides_of(this: Histogram, other: Histogram | None = None) -> list[dict[str, str]]:
    """Counts and shares on each side of the boundary, per version and group, as a table's rows."""
    rows = []
    for found in [this] if other is None else [this, other]:
        for group, (below, inside, above) in found.sides.items():
            if total := below + inside + above:
                counts = {"below b_a": below, "in the margin": inside, "above b_n": above}
                words = {name: f"{count:,} ({100 * count / total:.2f} %)" for name, count in counts.items()}
                rows.append({"version": f"v{found.number}", "group": group, **words})
    return rows


def versions_view(context: Context, actor: Actor, project_slug: str) -> list[VersionView]:
    """All versions, the latest first."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
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
            alarms=(version.metrics.get("drift") or {}).get("alarms", []),
            provenance=provenance(version),
        )
        for version in found
    ]


def provenance(version: Version) -> dict[str, str]:
    """What a version was made from, as words for a quality file."""
    snapshot, code = version.snapshot, version.snapshot.get("code", {})
    fused = next((row for row in version.boundaries if row["level"] == "fused"), None)
    part = next((row for row in version.boundaries if row["level"] == "part"), None)
    whole = hashlib.sha256(json.dumps(snapshot, sort_keys=True).encode()).hexdigest()
    return {
        "code": f"{code.get('release', 'not kept')}, bgad_core {code.get('bgad_core_sha256', '')[:16]}",
        "seed": str(version.config.get("seed", "not kept")),
        "checkpoint, SHA-256": version.checkpoint,
        "snapshot, SHA-256": whole,
        "score reference": f"median {fused['median']:.4f}, part b_n {part['b_n']:.4f}"
        if fused and part
        else "not kept",
        "parts": (
            f"{len(snapshot.get('normals', []))} normal, {len(snapshot.get('calibration', []))} calibration, "
            f"{len(snapshot.get('anomalies', []))} known defects"
        ),
        "labels kept by hash": str(len(snapshot.get("labels", []))),
    }


def _histogram(version: Version, rule: Rule, level: str) -> Histogram:
    low, high, bins = version.histograms["edges"][level]
    counts = version.histograms["counts"][level]
    boundary = {row["level"]: row for row in version.boundaries}
    cells = {group: sum(counts[group]) for group in GROUPS}
    width = (high - low) / bins
    shares = {g: [n / cells[g] for n in counts[g]] for g in GROUPS if cells[g]}
    return Histogram(
        number=version.number,
        centres=[low + (i + 0.5) * width for i in range(bins)],
        shares=shares,
        cells=cells,
        b_n=boundary[level]["b_n"],
        b_a=boundary[level]["b_a"],
        part_b_n=boundary["part"]["b_n"] if level == "fused" else None,
        part_stop=line_at(version, rule.stop) if level == "fused" and rule.point else None,
        decides=rule.line,
        margin=version.histograms.get("margin", {}).get(level, {}),
        sides=version.histograms.get("sides", {}).get(level, {}),
        overlap=version.histograms.get("overlap", {}).get(level),
        overlap_held_out=_shared_area(shares.get("normal"), shares.get("held-out")),
    )


def _shared_area(first: list[float] | None, second: list[float] | None) -> float | None:
    return sum(map(min, first, second)) if first and second else None
