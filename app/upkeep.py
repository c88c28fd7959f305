"""Commands that keep an installation: backup, restore, what nobody needs any more."""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from app.processes import Say
from app.services.authority import OPERATOR
from app.services.context import opened
from app.services.errors import Refused
from app.settings import Settings

FOREVER = "forever"


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Put these commands beside the others."""
    save = add("backup", help="database, objects, checkpoints and weights in one file, while running")
    save.add_argument("file", type=Path, help="a new file, for example backup.zip")
    save.add_argument("--verify", action="store_true", help="only read a backup that is there from end to end")
    save.set_defaults(command=backup)
    back = add("restore", help="make an installation from a backup, in an empty BGAD_HOME and database")
    back.add_argument("file", type=Path)
    back.set_defaults(command=restore)
    gone = add("remove-project", help="delete a project with all that belongs to it, for good; says first what goes")
    gone.add_argument("slug", help="its short name, as it stands in addresses")
    gone.add_argument("--yes-remove", metavar="SLUG", help="the name once more, where nobody is there to type it")
    gone.set_defaults(command=remove_project)
    rule = add("keep", help="for how long a project keeps images without a label")
    rule.add_argument("slug", help="the project's short name")
    rule.add_argument("days", nargs="?", type=_days, help=f"days from their arrival, or {FOREVER}; left out: say it")
    rule.set_defaults(command=keep)
    free = add("tidy", help="say which objects, uploads and folders nothing needs any more, while running")
    free.add_argument("--remove", action="store_true", help="delete them")
    free.add_argument(
        "--older-than", type=float, default=1.0, metavar="HOURS", help="untouched for so long (default: %(default)s)"
    )
    free.set_defaults(command=tidy)


def backup(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.backup import BackupReport, make_backup, verify_backup

    if options.verify:
        report: BackupReport = verify_backup(options.file)
    else:
        if not options.file.resolve().parent.is_dir():
            raise Refused(f"the folder of {options.file} does not exist: make it first")
        with opened(settings) as context:
            report = make_backup(context, OPERATOR, options.file)
    say(f"{options.file} is whole: {report.rows:,} rows, {report.objects:,} objects, {report.bytes / 2**20:,.1f} MiB")
    for name in report.missing:
        say(f"not in it, because it is damaged or gone: {name}")
    return 1 if report.missing else 0


def restore(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.restore import restore_backup

    report = restore_backup(settings, OPERATOR, options.file)
    say(f"restored as of {report.made_at}: {report.rows:,} rows, {report.objects:,} objects; everybody signs in anew")
    return 0


def remove_project(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services import removal

    with opened(settings) as context:
        goes = removal.what_goes(context, OPERATOR, options.slug)
        say(f"removing {goes.slug} ({goes.name}) deletes for good:")
        for what, much in goes.told():
            say(f"  {what}: {much}")
        typed = options.yes_remove
        if typed is None and sys.stdin.isatty():
            typed = input(f"type {goes.slug} to remove it: ").strip()
        if typed is None:
            raise Refused(f"nothing was removed: say --yes-remove {goes.slug} to do it")
        gone = removal.remove_project(context, OPERATOR, options.slug, confirm=typed)
    say(gone.told())
    return 0


def tidy(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services import tidy as service

    hours = timedelta(hours=options.older_than)
    with opened(settings) as context:
        found = service.tidy(context, OPERATOR, older_than=hours, remove=options.remove)
    for tally in found:
        size = f" ({tally.bytes / 2**20:,.1f} MiB)" if tally.bytes else ""
        say(f"{tally.kind}: {tally.count:,}{size}")
    if not found:
        say(f"there is nothing that nobody needs and that is older than {options.older_than:g} hours")
    else:
        say("deleted" if options.remove else "nothing was deleted: say --remove to do it")
    return 0


def keep(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services import retention

    with opened(settings) as context:
        if options.days is not None:
            days = None if options.days == FOREVER else int(options.days)
            retention.set_keep_days(context, OPERATOR, options.slug, days)
        stands = retention.keep_days(context, OPERATOR, options.slug)
    until = (
        "for good" if stands is None else f"for {stands:,} days, after that `bgad-inspect tidy --remove` deletes them"
    )
    say(f"{options.slug} keeps images without a label {until}")
    return 0


def _days(text: str) -> str:
    if text != FOREVER and not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of days nor {FOREVER}")
    return text
