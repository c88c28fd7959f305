"""Commands that keep an installation: backup, restore, what nobody needs any more."""

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from app.processes import Say
from app.services.authority import OPERATOR
from app.services.context import open_context
from app.services.errors import Refused
from app.settings import Settings


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Put these commands beside the others."""
    save = add("backup", help="database, objects, checkpoints and weights in one file, while running")
    save.add_argument("file", type=Path, help="a new file, for example backup.zip")
    save.add_argument("--verify", action="store_true", help="only read a backup that is there from end to end")
    save.set_defaults(command=backup)
    back = add("restore", help="make an installation from a backup, in an empty BGAD_HOME and database")
    back.add_argument("file", type=Path)
    back.set_defaults(command=restore)


def backup(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.backup import BackupReport, make_backup, verify_backup

    if options.verify:
        report: BackupReport = verify_backup(options.file)
    else:
        if not options.file.resolve().parent.is_dir():
            raise Refused(f"the folder of {options.file} does not exist: make it first")
        report = make_backup(open_context(settings), OPERATOR, options.file)
    say(f"{options.file} is whole: {report.rows:,} rows, {report.objects:,} objects, {report.bytes / 2**20:,.1f} MiB")
    for name in report.missing:
        say(f"not in it, because it is damaged or gone: {name}")
    return 1 if report.missing else 0


def restore(settings: Settings, options: Namespace, say: Say) -> int:
    from app.services.restore import restore_backup

    report = restore_backup(settings, OPERATOR, options.file)
    say(f"restored as of {report.made_at}: {report.rows:,} rows, {report.objects:,} objects; everybody signs in anew")
    return 0
