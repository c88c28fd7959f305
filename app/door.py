"""A version leaves and comes in: export, serve-model, model-token, import-bundle; heavy parts are imported on use."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from app.processes import Say
from app.services.authority import OPERATOR
from app.services.context import opened
from app.services.score import scoring_version
from app.serving import options as serving
from app.settings import Settings


def door_options(add: Callable[..., ArgumentParser]) -> None:
    """Declare the commands."""
    out = add("export", help="write a version as a bundle that scores the same anywhere, without torch")
    out.add_argument("version", type=int, nargs="?", help="its number (default: the one that decides)")
    out.add_argument("--project", required=True)
    out.add_argument("--out", type=Path, required=True, help="a new .bgad file, or a new folder")
    out.set_defaults(command=export)
    served = add("serve-model", help="serve a bundle over HTTP")
    serving.serve_options(served)
    served.set_defaults(command=serve_model)
    made = add("model-token", help="let a program ask a served bundle")
    serving.token_options(made)
    made.set_defaults(command=token)
    taken = add("import-bundle", help="take a bundle into this installation, as a version")
    taken.add_argument("bundle", type=Path)
    taken.add_argument("--project", required=True, help="its name; made where there is none")
    taken.set_defaults(command=import_bundle)


def export(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.certificate import certificate
    from app.ui.certificate_page import certificate_page
    from app.worker.loop import limit_threads

    with opened(settings) as context:
        version = scoring_version(context, OPERATOR, options.project, options.version)
        page = certificate_page(certificate(context, OPERATOR, options.project, version.number))
        limit_threads(settings.threads)
        from app.worker.export import export_version  # only now: it imports torch

        say(f"v{version.number} of {options.project} becomes one graph; this takes a minute")
        unread: list[str] = []
        bundle = export_version(context, version, options.out, certificate=page, tell=unread.append)
    for line in unread:
        say(line)
    say(f"{bundle.name}: {options.out}; OpenVINO and ONNX Runtime score its images as the tool does")
    say(f"next: bgad-inspect model-token NAME, then bgad-inspect serve-model {options.out}")
    return 1 if unread else 0


def serve_model(_settings: Settings, options: Namespace, say: Say) -> int:
    return serving.serve(options, say)


def token(_settings: Settings, options: Namespace, say: Say) -> int:
    return serving.token(options, say)


def import_bundle(settings: Settings, options: Namespace, say: Say) -> int:
    from app.worker.loop import limit_threads

    limit_threads(settings.threads)
    with opened(settings) as context:
        from app.worker.import_bundle import import_bundle as take  # only now: it imports torch

        version = take(context, OPERATOR, options.bundle, name=options.project, tell=say)
    say(f"{options.bundle} is v{version.number} of {options.project}: its images score here as where it came from")
    return 0
