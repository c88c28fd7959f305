"""Did the boundary move more than chance moves it? Judged once, when a version is made, and kept with it."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from app.jobs import Job
from app.services.context import Context
from app.worker.samples import Plan, snapshot
from bgad_core.config import BGADConfig
from bgad_core.drift import LEVEL, Band, Move, boundary_move, shift_of
from storage import annotations, scores, versions
from storage.annotations import IMPORT
from storage.models import Version


def judged(
    context: Context, job: Job, plan: Plan, config: BGADConfig, bands: dict[str, Any], parent: Version | None
) -> dict[str, Any] | None:
    """How the boundary moved from the deciding version to this one, and what is an alarm; None for the first version.

    Two tests, because two things drift. A move of b_n counts against the bootstrap of both versions and the noise of
    training, which retrains on the same labels measure. A shift of the normals is tested under the parent alone: newer
    good parts against those that calibrated it. Only labels that came with their images enter there: a person labels
    what the queue shows first, and such parts score high by choice.
    """
    if parent is None:
        return None
    repeats = repeats_of(context, job.project_id, config)
    levels = [level for level in bands if level in parent.histograms.get("bands", {})]
    moves = []
    for level in levels:
        before, after = (Band(**found[level]["b_n"]) for found in (parent.histograms["bands"], bands))
        moves.append(boundary_move(level, before, after, repeats.get(level, []), levels=len(levels)))
    shift = _shift(context, job, plan, parent)
    return {
        "against": parent.number,
        "repeats": len(next(iter(repeats.values()), [])),
        "moves": [{**asdict(move), "limit": None if math.isinf(move.limit) else move.limit} for move in moves],
        "shift": shift,
        "alarms": [*_move_alarms(moves, parent), *_shift_alarms(shift, parent)],
    }


def repeats_of(context: Context, project_id: int, config: BGADConfig) -> dict[str, list[float]]:
    """Per level, independent moves of b_n between versions that learnt the same labels with other seeds.

    The contrasts of each version with the mean of its elders, scaled to a move between two: k versions give k - 1.
    """
    with context.database.read() as session:
        found = list(reversed(versions.versions(session, project_id)))
    groups: dict[str, list[Version]] = {}
    for version in found:
        groups.setdefault(_data_of(version), []).append(version)
    made: dict[str, list[float]] = {}
    for group in groups.values():
        seeds = {version.config.get("seed"): version for version in group}  # the same seed would be the same bits
        for level, values in _boundaries(list(seeds.values())).items():
            for k in range(1, len(values)):
                contrast = (values[k] - float(np.mean(values[:k]))) * math.sqrt(k / (k + 1))
                made.setdefault(level, []).append(contrast * math.sqrt(2))
    return made


def _data_of(version: Version) -> str:
    """What a version learnt from and how, but for the seed."""
    kept = {name: sorted(map(str, version.snapshot.get(name, []))) for name in ("normals", "calibration", "anomalies")}
    return repr((kept, sorted({**version.config, "seed": None}.items())))


def _boundaries(group: Sequence[Version]) -> dict[str, list[float]]:
    made: dict[str, list[float]] = {}
    for version in group:
        for row in version.boundaries:
            made.setdefault(row["level"], []).append(row["b_n"])
    return made


def _shift(context: Context, job: Job, plan: Plan, parent: Version) -> dict[str, Any] | None:
    mine = snapshot(context, job.project_id, plan)
    learnt = {*parent.snapshot["normals"], *parent.snapshot["calibration"]}
    newer = {*mine["normals"], *mine["calibration"]} - learnt
    with context.database.read() as session:
        imported = {
            row.image_id for row in annotations.current_annotations(session, job.project_id) if row.by == IMPORT
        }
        found = scores.scores_by_content(session, parent.id)
    under = {sha: score for sha, (image_id, score) in found.items() if image_id in imported}
    before = np.array([under[sha] for sha in parent.snapshot["calibration"] if sha in under])
    after = np.array([under[sha] for sha in sorted(newer) if sha in under])
    result = shift_of(before, after)
    if result is None:
        return None
    return {"higher": result[0], "p": result[1], "before": len(before), "after": len(after)}


def _move_alarms(moves: list[Move], parent: Version) -> list[str]:
    return [
        f"b_n of {_named(move.level)} moved {'up, towards normal' if move.move > 0 else 'down, away from normal'}, by "
        f"{abs(move.move):.3f} against v{parent.number}; chance alone stays within {move.limit:.3f}"
        for move in moves
        if move.alarms
    ]


def _shift_alarms(shift: dict[str, Any] | None, parent: Version) -> list[str]:
    if shift is None or shift["p"] >= LEVEL:
        return []
    way = "more abnormal" if shift["higher"] > 0.5 else "more normal"
    share = max(shift["higher"], 1 - shift["higher"])
    return [
        f"newer good parts look {way} to v{parent.number} than those that calibrated it (in {100 * share:.0f} % of "
        f"pairs; {shift['after']} parts against {shift['before']}, p = {shift['p']:.1g}): look at camera, light and "
        "product before this version decides"
    ]


def _named(level: str) -> str:
    return {"part": "whole parts", "fused": "the fused map"}.get(level, f"level {level}")
