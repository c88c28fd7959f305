"""`bgad-inspect watch`: look at a folder or a bucket until told to stop; trouble is said and tried again."""

import logging
import signal
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from app.processes import Say
from app.services.authority import OPERATOR
from app.services.context import Context, opened
from app.services.errors import Refused
from app.services.watch import Look, Watch, shown
from app.settings import Settings

log = logging.getLogger(__name__)


def watch_options(add: Callable[..., ArgumentParser]) -> None:
    """Declare the command."""
    found = add("watch", help="ingest and score new images of a folder or a bucket as they come")
    found.add_argument("place", metavar="FOLDER|URL", help="a folder, or an fsspec URL such as s3://bucket/line-4")
    found.add_argument("--project", required=True)
    found.add_argument("--every", type=float, default=5.0, help="seconds between looks (default: %(default)s)")
    found.add_argument(
        "--settle", type=float, default=2.0, help="seconds that a file has to rest (default: %(default)s)"
    )
    found.add_argument("--once", action="store_true", help="take what rests already, then end: for a timer")
    found.set_defaults(command=watch)


def watch(settings: Settings, options: Namespace, say: Say) -> int:
    if options.every <= 0 or options.settle < 0:
        raise Refused("--every has to be above 0 seconds, and --settle not below")
    with opened(settings) as context:
        _watch(context, options, say)
    return 0


def _watch(context: Context, options: Namespace, say: Say) -> None:
    watched = Watch(context, OPERATOR, options.project, options.place, settle=options.settle)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    say(f"watching {shown(options.place)} for {options.project}" + ("" if options.once else "; Ctrl-C stops it"))
    if options.once:
        _tell(watched.look(), say)
        stop.wait(options.settle)
        _tell(watched.look(), say)
        return
    while not stop.is_set():
        try:
            _tell(watched.look(), say)
        except (OSError, Refused) as error:
            log.warning("%s; tries again in %g s", error, options.every)
        except Exception:  # a bucket's driver or a busy database raises many kinds; the next look may succeed
            log.exception("could not look; tries again in %g s", options.every)
        stop.wait(options.every)


def _tell(look: Look, say: Say) -> None:
    for refusal in look.refused:
        say(f"refused {refusal.name}: {refusal.reason}")
    if look.added or look.duplicates:
        queued = ", queued to be scored" if look.queued else ""
        say(f"{look.added} added, {look.duplicates} known already, {look.waiting} may still be written{queued}")
