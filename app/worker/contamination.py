"""The ranking of odd normals: the features of the training to come, and distances between them."""

import shutil

import numpy as np

from app.jobs import Job
from app.services.contamination import MOST
from app.services.context import Context
from app.worker.device import owned_device
from app.worker.retrain import clear_leftovers, config_of
from app.worker.samples import CACHE_BYTES, CALIBRATION_SHARE, Plan, plan_of, samples_of
from bgad_core.contamination import oddness
from bgad_core.feature_cache import FeatureCache

KEPT = 60  # of the ranking, the oddest first


def contamination(context: Context, job: Job) -> None:
    """Rank what a retrain would take for normal; the run keeps the labels of the oddest, and how odd they are."""
    home = context.settings.home
    folder = home / "runs" / job.run_id
    with owned_device(home, job):
        clear_leftovers(context)
        whole = plan_of(context, job.project_id, folder)
        plan = bounded(whole)
        normals, _, calibration = samples_of(context, job.project_id, plan)
        found = oddness(
            config_of(context, job),
            normals=normals,
            calibration=calibration,
            cache=FeatureCache(home / "features", CACHE_BYTES),
            device=context.settings.device,
            threads=context.settings.threads,
            progress=job.progress,
            should_stop=job.cancelled,
        )
    ids, said = [*plan.normals, *plan.calibration], dict(whole.labels)
    odd = [[said[ids[at]], round(float(found[at]), 4)] for at in np.argsort(-found, kind="stable")[:KEPT]]
    job.keep({"normals": len(whole.normals) + len(whole.calibration), "looked": len(ids), "odd": odd})
    shutil.rmtree(folder, ignore_errors=True)


def bounded(plan: Plan) -> Plan:
    """The plan's normals alone, at most `MOST`: they stand in the order of their content hashes, which is a lot."""
    calibration = plan.calibration[: MOST // CALIBRATION_SHARE]
    return Plan(plan.normals[: MOST - len(calibration)], calibration, [])
