"""`bgad-inspect`: every command ends with 0, with 1 and one sentence, or with 2 and the usage; 143 when it was ended.

SIGTERM unwinds a command as Ctrl-C does, so that what is half-written goes. What serves has a handler of its own.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app import commands, people, upkeep
from app.door import door_options
from app.processes import ENDED, Say, Sigterm, unwinding
from app.services.annotation.label_export import FORMATS
from app.services.errors import Refused
from app.services.ingest import CONTENTS
from app.services.members import ROLES
from app.services.retrain import PRESETS
from app.services.tokens import SCOPES
from app.settings import Settings
from app.watching import watch_options
from storage.errors import StorageError
from storage.models import Role

PROTOCOLS = ("multi-class", "one-class")  # the core's names; importing it would cost a command like --help seconds
PRECISIONS = ("float32", "bfloat16")
METHODS = ("bgad", "nfad", "bgad-without", "bgad-full-push")
TILE = "cut images into tiles of so many pixels, each shown as --size, to keep small defects (default: the whole image)"
Command = Callable[[Settings, argparse.Namespace, Say], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback for what a person can mend."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with unwinding() as sigterm:
        code = _run(options)
    return ENDED if sigterm.came else code


def _run(options: argparse.Namespace) -> int:
    command: Command = options.command
    try:
        return command(Settings.from_environment(), options, _say)
    except Sigterm:
        return _complain("stopped: nothing half-written was left")
    except KeyboardInterrupt:
        return _complain("stopped; what was confirmed is kept, and the same command goes on from there")
    except Exception as error:
        if (sentence := _sentence(error)) is None:
            raise
        return _complain(sentence)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(
        prog="bgad-inspect", description="Find defects from normal parts and a few marked ones."
    )
    add = top.add_subparsers(required=True, metavar="COMMAND").add_parser
    _processes(add)
    project = add("project", help="projects: one product or part type each").add_subparsers(required=True)
    create = project.add_parser("create", help="make a project")
    create.add_argument("name")
    create.add_argument("--backbone", help="a timm model with features_only (default: BGAD_BACKBONE)")
    create.add_argument("--weights", type=Path, help="its weights as a safetensors file (default: timm's hub)")
    create.add_argument("--built-in", action="store_true", help="a small backbone that needs no weights, and is weaker")
    create.add_argument("--size", type=int, default=256, help="image size in pixels (default: %(default)s)")
    create.add_argument("--tile", type=int, help=TILE)
    create.set_defaults(command=commands.project_create)
    _verbs(add)
    _labels(add)
    _evaluate(add)
    upkeep.add_commands(add)
    door_options(add)
    watch_options(add)
    _people(add)
    _tokens(add)
    _audit(add)
    return top


def _people(add: Callable[..., argparse.ArgumentParser]) -> None:
    user = add("user", help="people who may sign in").add_subparsers(required=True)
    person = user.add_parser("add", help="let somebody in")
    person.add_argument("--role", choices=[role.name for role in Role], help="theirs in --project, or admin")
    person.add_argument("--project", action="append", help="again for more (default: every project there is)")
    password = user.add_parser("password", help="give somebody a new password; ends their sign-ins")
    for each, command in ((person, people.user_add), (password, people.user_password)):
        each.add_argument("name")
        each.add_argument("--password-stdin", action="store_true", help="read it from the first line of stdin")
        each.add_argument("--generate", action="store_true", help="make a password and print it once")
        each.set_defaults(command=command)
    user.add_parser("list", help="who may do what").set_defaults(command=people.user_list)
    for verb, text in (("disable", "close an account, ending its sign-ins"), ("enable", "open it again")):
        each = user.add_parser(verb, help=text)
        each.add_argument("name")
        each.set_defaults(command=people.user_disable, disabled=verb == "disable")
    user.add_parser("code", help="a code that makes the first admin in the browser").set_defaults(
        command=people.user_code
    )
    linked = user.add_parser("link", help="let somebody of the OIDC provider sign in as an account")
    linked.add_argument("name")
    linked.add_argument("subject", help="the provider's `sub` of the person")
    linked.set_defaults(command=people.user_link)
    member = add("member", help="roles in one project").add_subparsers(required=True)
    give = member.add_parser("set", help="give somebody a role, or take it away with --role none")
    give.add_argument("name")
    give.add_argument("--role", choices=[*(role.name for role in ROLES), "none"], required=True)
    shown = member.add_parser("list", help="who has a role in it")
    for each, command in ((give, people.member_set), (shown, people.member_list)):
        each.add_argument("--project", required=True)
        each.set_defaults(command=command)


def _processes(add: Callable[..., argparse.ArgumentParser]) -> None:
    helps = {
        "demo": "a small project of synthetic parts, trained and served on this machine",
        "serve": "web server and worker",
        "web": "the web server alone",
    }
    for name, text in helps.items():
        add(name, help=text).set_defaults(command=getattr(commands, name))
    worker = add("worker", help="a worker alone")
    worker.add_argument("--until", metavar="RUN", help="end when this run is over")
    worker.add_argument("--ray", action="store_true", help="hand out large scoring requests on BGAD_RAY_ADDRESS")
    worker.set_defaults(command=commands.worker)


def _verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    ingest = add("ingest", help="bring a folder or a zip of images into a project")
    ingest.add_argument("source", type=Path)
    ingest.add_argument("--project", required=True)
    ingest.add_argument("--content", choices=CONTENTS, default="auto", help="what unlabelled images are")
    ingest.set_defaults(command=commands.ingest)
    train = add("train", help="train the next version; Ctrl-C cancels")
    train.add_argument("--project", required=True)
    train.add_argument("--preset", choices=PRESETS, default="product")
    train.add_argument("--reason", default="", help="kept with the run")
    train.set_defaults(command=commands.train)
    score = add("score", help="score a folder or a zip of images that are in no project")
    score.add_argument("source", type=Path, metavar="DIR")
    score.add_argument("--project", required=True)
    score.add_argument("--out", type=Path, required=True, help="a .csv or .json file")
    score.add_argument("--heatmaps", type=Path, metavar="DIR", help="write each image under its heat as well")
    score.add_argument("--version", type=int, help="a version's number (default: the one that decides)")
    score.set_defaults(command=commands.score)


def _labels(add: Callable[..., argparse.ArgumentParser]) -> None:
    out = add("export-labels", help="write the labels of a project for another tool")
    out.add_argument("out", type=Path, help="a new file, or a new folder for mvtec")
    taken = add("import-labels", help="read labels that another tool wrote, on images that are here already")
    taken.add_argument("source", type=Path, help="a file, a zip of it, or a folder for mvtec")
    taken.add_argument("--dry-run", action="store_true", help="say what would be taken over and save nothing")
    taken.add_argument(
        "--unannotated", choices=("nothing", "normal"), default="nothing", help="what images without annotations are"
    )
    taken.add_argument("--replace-defects", action="store_true", help="a normal part of the file may be a defect here")
    back = add("undo-import", help="let what stood before an import of labels stand again")
    back.add_argument("number", type=int)
    back.add_argument("--project", required=True)
    back.set_defaults(command=commands.undo_import)
    for each, command in ((out, commands.export_labels), (taken, commands.import_labels)):
        each.add_argument("--project", required=True)
        each.add_argument("--format", choices=FORMATS, required=each is out, help="of labels that come in: recognised")
        each.set_defaults(command=command)


def _evaluate(add: Callable[..., argparse.ArgumentParser]) -> None:
    found = add("evaluate", help="the method's figures on a data set, by the paper's protocols")
    found.add_argument("dataset", type=Path, help="the folder of one category")
    found.add_argument("--protocol", choices=PROTOCOLS, default="multi-class")
    found.add_argument("--method", choices=METHODS, default="bgad")
    found.add_argument("--preset", choices=PRESETS, default="product")
    found.add_argument("--backbone", help="a timm model (default: that of new projects)")
    source = found.add_mutually_exclusive_group()
    source.add_argument("--weights", type=Path, help="a safetensors file")
    source.add_argument("--built-in", action="store_true", help="the small network that needs no weights")
    found.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    found.add_argument("--known", type=int, default=10, help="known anomalies (default: 10)")
    found.add_argument("--pastes", type=int, help="pseudo anomalies of a run (default: the preset's)")
    found.add_argument("--size", type=int, default=256, help="pixels that the model sees (default: 256)")
    found.add_argument("--tile", type=int, help=TILE)
    found.add_argument("--precision", choices=PRECISIONS, default="float32", help="of backbone and flows")
    found.add_argument(
        "--show-optimistic", action="store_true", help="and what choosing the pass on the test set would have claimed"
    )
    found.add_argument("--out", type=Path, required=True, help="a .json file")
    found.add_argument("--work", type=Path, metavar="DIR", help="checkpoints, to go on later (default: beside --out)")
    found.set_defaults(command=commands.evaluate)


def _tokens(add: Callable[..., argparse.ArgumentParser]) -> None:
    token = add("token", help="what scripts come in with").add_subparsers(required=True)
    made = token.add_parser("add", help="make one and print it once")
    made.add_argument("name", help="what it is for")
    made.add_argument("--user", required=True, help="whose it is; it may never more than they")
    made.add_argument("--project", required=True)
    made.add_argument("--scope", choices=SCOPES, action="append", required=True, help="again for more")
    made.add_argument("--days", type=int, default=90, help="how long it lasts (default: %(default)s)")
    made.set_defaults(command=people.token_add)
    token.add_parser("list", help="those that nobody revoked").set_defaults(command=people.token_list)
    ended = token.add_parser("revoke", help="end one at once")
    ended.add_argument("id", type=int)
    ended.set_defaults(command=people.token_revoke)


def _audit(add: Callable[..., argparse.ArgumentParser]) -> None:
    found = add("audit", help="who did what").add_subparsers(required=True)
    show = found.add_parser("show", help="the latest entries")
    show.add_argument("--by", help="one person's")
    show.add_argument("--action", help="of one kind")
    show.add_argument("--project", help="of one project")
    show.add_argument("--limit", type=int, default=50, help="how many (default: %(default)s)")
    show.add_argument("--csv", type=Path, metavar="FILE", help="write all of them as CSV instead")
    show.set_defaults(command=people.audit_show)
    verify = found.add_parser("verify", help="whether any entry was changed, removed or moved")
    verify.add_argument("--known", default="", metavar="NUMBER:HASH", help="an entry that has to be in it still")
    verify.set_defaults(command=people.audit_verify)


def _sentence(error: Exception) -> str | None:
    """What to tell about an error that a person can mend; None for one that only a programmer can."""
    if isinstance(error, Refused | StorageError) or type(error).__module__ == "bgad_core.errors":
        return str(error)
    if isinstance(error, ValueError) and str(error).startswith("BGAD_"):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {error.strerror or error}; nothing that was confirmed is lost"
    if isinstance(error, DBAPIError):
        return f"the database does not answer ({error.orig}); nothing that was confirmed is lost"
    return None


def _complain(sentence: str) -> int:
    print(f"bgad-inspect: {sentence}", file=sys.stderr)
    return 1


def _say(line: str) -> None:
    print(line, flush=True)
