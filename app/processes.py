"""The web server and the worker as child processes, started, watched, stopped in order; and how a command is ended."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import app
from app.services.errors import Refused
from app.settings import Settings

WEB = ("app.ui.asgi",)
WORKER = ("app", "worker")
STEADY = 60.0  # a child that lived this long has started well; its next death is a new one
GIVE_UP = 5
ENDED = 128 + signal.SIGTERM  # the exit code of what SIGTERM ended, as a shell says it
ENDED_ITSELF = 75  # a worker's code when it was rid of a job that hung in no other way; sysexits' EX_TEMPFAIL
STOP_WITHIN = 40.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Say = Callable[[str], None]


@dataclass
class Child:
    """One child process with what is needed to start it again."""

    name: str
    module: tuple[str, ...]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False)
    deaths: int = 0

    def start(self) -> None:
        """Its own session, so that Ctrl-C reaches it once, by us; it ends when we are killed."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", *self.module],
            env=self.environment,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )

    def stop(self) -> None:
        """Ask it to end, and insist after `STOP_WITHIN` seconds."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def how_it_ended(self) -> str:
        code = self.process.returncode
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def child(name: str, module: tuple[str, ...], settings: Settings) -> Child:
    """A child that reads `settings` back from its environment, wherever it is started."""
    root = str(Path(app.__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **environment_of(settings), "PYTHONPATH": os.pathsep.join(paths)}
    return Child(name, module, environment)


def environment_of(settings: Settings) -> dict[str, str]:
    """The `BGAD_*` variables from which `Settings.from_environment` makes the same settings again.

    Those of OIDC, whose secret is in a file, children inherit as they are.
    """
    return {
        "BGAD_HOME": str(settings.home),
        "BGAD_DATABASE_URL": settings.database_url,
        "BGAD_OBJECTS_URL": settings.objects_url,
        "BGAD_BACKBONE": settings.backbone,
        "BGAD_WEIGHTS": str(settings.weights or ""),
        "BGAD_DEVICE": settings.device,
        "BGAD_PRECISION": settings.precision,
        "BGAD_THREADS": str(settings.threads),
        "BGAD_SHARD": str(settings.shard),
        "BGAD_STALLED": str(settings.stalled),
        "BGAD_HOST": settings.host,
        "BGAD_PORT": str(settings.port),
        "BGAD_SECURE_COOKIES": "1" if settings.secure_cookies else "",
        "BGAD_HOSTS": ",".join(settings.hosts),
        "BGAD_DEMO": "1" if settings.demo else "",
    }


def require_free_port(settings: Settings) -> None:
    """Raises Refused when the web server could not listen where the settings say."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Refused(
                f"port {settings.port} on {settings.host} cannot be used ({error.strerror}): "
                f"stop what listens there, or choose another with BGAD_PORT={settings.port + 1}"
            ) from error


def run_until_stopped(children: list[Child], settings: Settings, say: Say, *, ready: Callable[[], None]) -> int:
    """Start what is not started yet, say when the web server answers, restart what dies; the exit code when stopped."""
    stop = _StopFlag()
    for each in children:
        if not hasattr(each, "process"):
            each.start()
    announced = False
    try:
        while not stop.asked:
            time.sleep(0.25)
            if not announced and answers(settings):
                announced = True
                ready()
            for each in children:
                if each.process.poll() is not None and not stop.asked and not _revive(each, announced, say):
                    return 1
    finally:
        for each in children:
            each.stop()
    return 0


def answers(settings: Settings) -> bool:
    """Whether the web server says that it is well."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _revive(each: Child, announced: bool, say: Say) -> bool:
    """Start a dead child again, aloud; False when it keeps dying, or when the web server never answered."""
    if each.process.returncode == ENDED_ITSELF:  # on purpose, and no sign of more to come
        say(f"the {each.name} ended itself together with a job that hung; it starts again")
        each.start()
        return True
    each.deaths = 1 if time.monotonic() - each.started > STEADY else each.deaths + 1
    if (each.module == WEB and not announced) or each.deaths >= GIVE_UP:
        say(f"the {each.name} {each.how_it_ended()} and does not stay up: see its messages above")
        return False
    pause = 2.0 ** (each.deaths - 1)
    say(f"the {each.name} {each.how_it_ended()}; it starts again in {pause:.0f} s, nothing that was confirmed is lost")
    time.sleep(pause)
    each.start()
    return True


class Sigterm(KeyboardInterrupt):
    """The process was asked to end: whatever handles Ctrl-C handles this."""


class _Raising:
    """Raises `Sigterm` once, so that a second one does not interrupt the cleaning up."""

    came = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self.came:
            self.came = True
            raise Sigterm


@contextmanager
def unwinding() -> Iterator[_Raising]:
    """SIGTERM as an exception; where it is ignored or handled already, and outside of the main thread, it stays so."""
    handler = _Raising()
    mine = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if mine:
        signal.signal(signal.SIGTERM, handler)
    try:
        yield handler
    finally:
        if mine:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _StopFlag:
    """True once SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """On Linux the kernel ends the child when its parent is killed; elsewhere a killed parent leaves it running."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, by)
