"""Measure versions on the present held-out set, whatever they were measured on when they were made."""

from app.jobs import Job
from app.services.context import Context
from app.services.errors import Refused
from app.worker.device import owned_device
from app.worker.review import evaluated, version_scores
from storage import decisions, versions


def compare(context: Context, job: Job) -> None:
    """Score what a version has not seen of the set, measure it, and keep the figures under the set's digest."""
    with context.database.read() as session:
        held = decisions.held_out_set(session, job.project_id)
        numbers = sorted(set(job.arguments["versions"]))
        found = [versions.version_by_number(session, job.project_id, number) for number in numbers]
    if not held:
        raise Refused("no held-out image has a label any more: bring some in, then compare again")
    digest = decisions.set_digest(held)
    images = [image for image, _ in held]
    with owned_device(context.settings.home, job):
        for done, version in enumerate(found):
            job.progress(f"measuring v{version.number}", done, len(found))
            with context.database.read() as session:
                if decisions.evaluation(session, version.id, digest) is not None:
                    continue
            metrics = evaluated(context, job, held, version_scores(context, job, version, images))
            with context.database.write() as session:
                decisions.save_evaluation(session, version_id=version.id, set_sha256=digest, metrics=metrics)
    job.progress("measured", len(found), len(found))
