"""What each command does. Heavy parts are imported by the command that needs them; only `cli.py` prints."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace

from app.follow import expected, follow
from app.processes import WEB, WORKER, Say, child, require_free_port, run_until_stopped
from app.services.authority import OPERATOR
from app.services.context import Context, opened
from app.services.errors import Refused, shortly
from app.services.ingest import IngestReport, create_project, ingest_source
from app.services.label_formats.stored import Stored
from app.services.retrain import request_retraining, run_view
from app.services.score import request_scoring, scoring_version
from app.settings import Settings


def demo(settings: Settings, _options: Namespace, say: Say) -> int:
    from app import demo as make

    settings = replace(settings, host="127.0.0.1", demo=True)
    require_free_port(settings)
    web, worker = child("web server", WEB, settings), child("worker", WORKER, settings)
    with opened(settings) as context:
        slug = make.prepare_project(context, say)
        make.prepare_account(context)
        worker.start()
        try:
            make.train_first_version(context, slug, worker, say)
        except BaseException:
            worker.stop()
            raise

    def ready() -> None:
        say(f"\nBGAD Inspect is at http://{settings.host}:{settings.port}")
        say(f"sign in as {make.ACCOUNT} with the password {make.PASSWORD}")
        say("this account is for the demo alone, which listens on this machine only; Ctrl-C stops it")

    return run_until_stopped([web, worker], settings, say, ready=ready)


def serve(settings: Settings, _options: Namespace, say: Say) -> int:
    require_free_port(settings)
    _bring_up_to_date(settings)
    children = [child("web server", WEB, settings), child("worker", WORKER, settings)]
    address = f"http://{settings.host}:{settings.port}"
    return run_until_stopped(children, settings, say, ready=lambda: say(f"BGAD Inspect is at {address}"))


def web(settings: Settings, _options: Namespace, say: Say) -> int:
    require_free_port(settings)
    _bring_up_to_date(settings)
    process = child("web server", WEB, settings)
    os.execve(sys.executable, [sys.executable, "-P", "-m", *WEB], process.environment)


def worker(settings: Settings, options: Namespace, say: Say) -> int:
    from app.worker.loop import limit_threads, work

    limit_threads(settings.threads)
    with opened(settings) as context:
        if options.ray:
            from app.worker.on_ray import drive

            drive(context, until=options.until)
        else:
            work(context, until=options.until)
    return 0


def project_create(settings: Settings, options: Namespace, say: Say) -> int:
    weights = options.weights.expanduser().resolve() if options.weights else None
    with opened(settings) as context:
        project = create_project(
            context,
            OPERATOR,
            name=options.name,
            backbone=options.backbone,
            weights=weights,
            built_in=options.built_in,
            size=options.size,
            tile=options.tile,
        )
    seen = f"tiles of {options.tile} pixels" if options.tile else "images"
    say(f"project {project.slug} stands on {project.settings['backbone']}, {seen} as {options.size} pixels")
    if options.built_in:
        say(
            "its backbone is the small built-in one, which has seen no photographs: good for a try-out and for strong, "
            "local defects, weaker on everything else"
        )
    return 0


def ingest(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        report = ingest_source(
            context, OPERATOR, options.project, options.source, content=options.content, progress=_bar("ingest", say)
        )
        _tell(report, say)
        _score_if_possible(context, options.project, report, say)
    return 0 if report.added or report.duplicates else 1


def train(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        run_id = request_retraining(context, OPERATOR, options.project, reason=options.reason, preset=options.preset)
        say(expected(run_view(context, OPERATOR, run_id), options.preset))
        follow(context, run_id, say)
    return 0


def score(settings: Settings, options: Namespace, say: Say) -> int:
    from app.worker.loop import limit_threads

    if options.out.suffix.lower() not in (".csv", ".json"):
        raise Refused(f"{options.out} ends in {options.out.suffix or 'nothing'}: name it .csv or .json")
    if not options.out.resolve().parent.is_dir():
        raise Refused(f"the folder of {options.out} does not exist: make it first")
    with opened(settings) as context:
        version = scoring_version(context, OPERATOR, options.project, options.version)
        limit_threads(settings.threads)
        from app.worker.folder import score_folder  # only now: it imports torch

        report = score_folder(
            context,
            version,
            options.source,
            options.out,
            heatmaps=options.heatmaps,
            progress=_bar("score", say),
        )
    for refusal in report.refused:
        say(f"refused {refusal.name}: {refusal.reason}")
    for refusal in report.unpainted:
        say(f"no heatmap of {refusal.name}: {refusal.reason}")
    say(f"{report.scored} images scored with version {report.version}: {options.out}")
    return 1 if report.refused or report.unpainted or not report.scored else 0


def export_labels(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.annotation import label_export

    with opened(settings) as context:
        done = label_export.export_labels(context, OPERATOR, options.project, options.out, format=options.format)
    for remark in done.left_out:
        say(shortly(f"left out {remark.image}: {remark.text}", 500))
    say(f"{done.written} labels written: {options.out}")
    return 1 if done.left_out else 0


def import_labels(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.annotation import import_plan, label_import

    rules = import_plan.Rules(options.unannotated, options.replace_defects)
    format, number = options.format or import_plan.format_of(options.source), None
    with opened(settings) as context:
        plan = import_plan.plan_import(context, OPERATOR, options.project, options.source, format=format, rules=rules)
        if not options.dry_run:
            number = label_import.save_import(context, OPERATOR, options.project, plan)
    for remark in plan.remarks:
        what = ", ".join(filter(None, (remark.image, remark.item))) or options.source.name
        say(shortly(f"{'skipped' if remark.skipped else 'note'} {what}: {remark.text}", 500))
    for change in plan.new:
        before = f"{_said(change.before)} becomes " if change.before else ""
        if before or options.dry_run:
            say(shortly(f"{'change' if before else 'new'} {change.image}: {before}{_said(change.label)}", 500))
    if plan.listed and options.unannotated == "nothing":
        say(f"without a word in the file: {len(plan.listed)}, and so no label (--unannotated normal: they are normal)")
    done, same = len(plan.new), len(plan.changes) - len(plan.new)
    counts = f"standing already: {same}, skipped: {len(plan.skipped)}"
    say(f"{'it would take' if options.dry_run else 'taken'} over: {done}, {counts}")
    if number is not None:
        say(f"to take it back: bgad-inspect undo-import {number} --project {options.project}")
    return 1 if plan.skipped else 0


def undo_import(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.annotation import label_import

    with opened(settings) as context:
        taken, kept = label_import.undo_import(context, OPERATOR, options.project, options.number)
    for name in kept:
        say(shortly(f"kept {name}: somebody has labelled it since", 500))
    say(f"taken back: {taken}, kept: {len(kept)}")
    return 0


def _said(label: Stored) -> str:
    """A label in a few words."""
    types = ", ".join(dict.fromkeys(filter(None, (label.defect_type, *label.typed))))
    return " ".join(filter(None, (label.verdict.value, types, "" if label.mask is None else "with a mask")))


def evaluate(settings: Settings, options: Namespace, say: Say) -> int:
    from app.worker.loop import limit_threads

    if options.out.suffix.lower() != ".json" or not options.out.resolve().parent.is_dir():
        raise Refused(f"{options.out} is no .json file in a folder that exists: give one")
    limit_threads(settings.threads)
    from app.services.projects import BUILT_IN
    from app.worker.evaluate import Request, evaluate_dataset  # only now: it imports torch

    weights = options.weights.expanduser().resolve() if options.weights else settings.weights
    request = Request(
        source=options.dataset,
        protocol=options.protocol,
        method=options.method,
        preset=options.preset,
        backbone=options.backbone or (BUILT_IN if options.built_in else settings.backbone),
        weights=None if options.built_in else weights,
        built_in=options.built_in,
        seeds=tuple(options.seeds),
        known=options.known,
        size=options.size,
        tile=options.tile,
        pastes=options.pastes,
        precision=options.precision,
        out=options.out,
        work=options.work or options.out.with_suffix(".work"),
        optimistic=options.show_optimistic,
    )
    evaluate_dataset(settings, request, say)
    return 0


def _bring_up_to_date(settings: Settings) -> None:
    """The home and its schema, before processes start that share them."""
    with opened(settings):
        pass


def _tell(report: IngestReport, say: Say) -> None:
    for refusal in report.refused:
        say(f"refused {refusal.name}: {refusal.reason}")
    say(f"{report.added} added, {report.duplicates} known already, {len(report.refused)} refused")


def _score_if_possible(context: Context, project: str, report: IngestReport, say: Say) -> None:
    """New images of a trained project are scored by the next worker; before day one there is nothing to score with."""
    if not report.added:
        return
    try:
        request_scoring(context, OPERATOR, project)
        say("queued: the worker scores them with the version that decides")
    except Refused:
        say(f"next: bgad-inspect train --project {project}")


def _bar(what: str, say: Say) -> Callable[[int, int], None]:
    """Progress as a line for every tenth: readable in a terminal and in a log."""
    tenths = set()

    def show(done: int, total: int) -> None:
        tenth = 10 * done // max(1, total)
        if tenth not in tenths:
            tenths.add(tenth)
            say(f"{what}: {done}/{total}")

    return show
