"""The bias check: the paper's one-class protocol turned round, on the project's own defects.

One short run per type learns from all types but that one, and is held against a run that learnt from normal parts
alone. Phase 1 is the same for all and made once. A type's known defects measure only runs that did not learn from them;
where the type is seen, its held-out defects alone do.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.jobs import Job
from app.services.context import Context
from app.services.errors import Refused
from app.worker.device import owned_device
from app.worker.retrain import clear_leftovers, config_of
from app.worker.samples import CACHE_BYTES, defect_sample, normal_sample, plan_of, samples_of, types_of, write_json
from bgad_core.bias import HURTS, hurt
from bgad_core.config import Variant
from bgad_core.data import Sample
from bgad_core.feature_cache import FeatureCache
from bgad_core.model import BGAD
from bgad_core.scoring import score_files
from bgad_core.training import Progress, train
from storage import decisions, typed_masks
from storage.models import Verdict

NORMAL_ONLY, ALL = "normal parts alone", "all types"
Stops = dict[str, bool]  # by content hash: whether the run stops it


def bias(context: Context, job: Job) -> None:
    """Run what is missing, and keep the table with the run."""
    folder = context.settings.home / "runs" / job.run_id
    with owned_device(context.settings.home, job):
        clear_leftovers(context)
        plan = plan_of(context, job.project_id, folder)
        normals, known, calibration = samples_of(context, job.project_id, plan)
        held, good = _held_out(context, job.project_id)
        types = sorted(frozenset().union(*(sample.types for sample in known)))
        if len(types) < 2:
            raise Refused(
                f"the bias check leaves one defect type out, and the known defects have {len(types)}: label defects "
                "of at least two types"
            )
        runs = {NORMAL_ONLY: [], ALL: known}
        runs |= {kind: [sample for sample in known if kind not in sample.types] for kind in types}
        found: dict[str, Stops] = {}
        for done, (name, anomalies) in enumerate(runs.items()):
            learnt = {sample.sha256 for sample in anomalies}
            measured = [*held, *good, *(sample for sample in known if sample.sha256 not in learnt)]
            job.progress(f"{name} ({done + 1} of {len(runs)})", done, len(runs))
            found[name] = _run(context, job, folder, done, (normals, anomalies, calibration), measured)
    job.keep(_table(found, types, known, held, good))


def _held_out(context: Context, project_id: int) -> tuple[list[Sample], list[Sample]]:
    with context.database.read() as session:
        rows = decisions.held_out_set(session, project_id)
        types = types_of(session, project_id)
        several = typed_masks.names_of(session, project_id)
    defects = [(image, said) for image, said in rows if said.verdict is Verdict.defect]
    held = [defect_sample(context, image, said, types, several.get(said.id, ())) for image, said in defects]
    return held, [normal_sample(context, image) for image, said in rows if said.verdict is Verdict.normal]


def _run(
    context: Context,
    job: Job,
    folder: Path,
    number: int,
    data: tuple[list[Sample], list[Sample], list[Sample]],
    measured: Sequence[Sample],
) -> Stops:
    """One training and what it stops; read from the job's folder where an earlier attempt had finished it."""
    kept = folder / f"bias-{number}.json"
    if kept.is_file():
        done: Stops = json.loads(kept.read_text(encoding="utf-8"))
        return done
    model = _trained(context, job, folder / f"training-{number}", data)
    results = score_files(model, [sample.path for sample in measured], should_stop=job.cancelled)
    stops = {sample.sha256: result.standing != "normal" for sample, result in zip(measured, results, strict=True)}
    write_json(kept, stops)
    return stops


def _trained(context: Context, job: Job, folder: Path, data: tuple[list[Sample], list[Sample], list[Sample]]) -> BGAD:
    normals, anomalies, calibration = data
    variant: Variant = job.arguments.get("variant", "bgad") if anomalies else "bgad"

    def show(step: Progress) -> None:
        job.progress(step.phase, step.done, step.total, seconds_left=step.seconds_left)

    home = context.settings.home
    return train(
        replace(config_of(context, job), variant=variant),
        normals=normals,
        anomalies=anomalies,
        calibration=calibration,
        folder=folder,
        phase_one_folder=home / "phase-one",
        cache=FeatureCache(home / "features", CACHE_BYTES),
        device=context.settings.device,
        threads=context.settings.threads,
        progress=show,
        should_stop=job.cancelled,
    )


def _table(
    found: dict[str, Stops], types: list[str], known: list[Sample], held: list[Sample], good: list[Sample]
) -> dict[str, Any]:
    """Per type [stopped, measured] of each kind of run, and whether learning from the other types hurt it."""
    rows = {}
    for kind in types:
        unseen = [s.sha256 for s in [*held, *known] if kind in s.types]
        seen = [s.sha256 for s in held if kind in s.types]
        alone, without = ([found[name][sha] for sha in unseen] for name in (NORMAL_ONLY, kind))
        lost, gained, p = hurt(alone, without)
        rows[kind] = {
            "normal_only": [sum(alone), len(alone)],
            "unseen": [sum(without), len(without)],
            "seen": [sum(found[ALL][sha] for sha in seen), len(seen)],
            "lost": lost,
            "gained": gained,
            "p": p,
            "warns": p < HURTS,
        }
    alarms = {name: [sum(stops[s.sha256] for s in good), len(good)] for name, stops in found.items()}
    return {"types": rows, "alarms": alarms}
