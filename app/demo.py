"""The demo: a small project of synthetic parts with a day-one model, and an account to look at it with."""

import shutil
from pathlib import Path

from app.demo_account import ACCOUNT, PASSWORD
from app.follow import follow
from app.processes import Child, Say
from app.services.accounts import create_account
from app.services.authority import OPERATOR
from app.services.context import Context
from app.services.errors import Refused
from app.services.ingest import create_project, ingest_source
from app.services.retrain import request_retraining
from storage import accounts, images, versions
from storage.models import Role

PROJECT = "Demo parts"


def prepare_project(context: Context, say: Say) -> str:
    """The demo's project with its images, made if it is not there; returns its slug."""
    with context.database.read() as session:
        found = next((p.slug for p in images.projects(session) if p.name == PROJECT), None)
    slug = found or create_project(context, OPERATOR, name=PROJECT, built_in=context.settings.weights is None).slug
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        complete = (
            project is not None and sum(a.finished_at is not None for a in images.ingests(session, project.id)) > 1
        )
    if not complete:
        _fill(context, slug, say)
    return slug


def train_first_version(context: Context, slug: str, worker: Child, say: Say) -> None:
    """The day-one model, unless a version decides already."""
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        if project is None:
            raise Refused(f"the demo's project {slug} is gone: remove {context.settings.home} and start again")
        if versions.deciding_version(session, project.id) is not None:
            return
    say("training the day-one model on normal parts alone (a minute or two on two cores)")
    run_id = request_retraining(context, OPERATOR, slug, reason="day one of the demo", preset="demo")
    follow(context, run_id, say, worker=worker)


def prepare_account(context: Context) -> None:
    """The demo's account, made once; only `demo` makes an account whose password is known."""
    with context.database.read() as session:
        if accounts.account_by_name(session, ACCOUNT) is not None:
            return
    create_account(context, OPERATOR, name=ACCOUNT, password=PASSWORD, role=Role.admin)


def _fill(context: Context, slug: str, say: Say) -> None:
    """Parts with labels to train and measure on, and a pool without any that waits for an inspector."""
    from app.worker.parts import make_demo_parts  # numpy and OpenCV: only when parts are made

    folder = context.settings.home / "demo-parts"
    say("making synthetic parts")
    tree, pool = make_demo_parts(folder)
    for source, content in ((tree, "auto"), (pool, "unknown")):
        report = ingest_source(context, OPERATOR, slug, source, content=content)  # type: ignore[arg-type]
        say(f"ingested {report.added} images from {source.name}")
    _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
