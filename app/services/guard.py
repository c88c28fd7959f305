"""Opens strangers' files in processes that may die of them: images, masks, zips, label files.

A few readers wait for work; one that crashes, hangs or takes too much is ended and replaced, and its file is refused
with a sentence. What comes back is numbers, text and bytes, never an object of the reader's making.
"""

import atexit
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np

import app
from app.services.errors import Refused
from app.services.pictures import MAX_BYTES, BadPicture, Picture
from app.services.reader import FRAME

READERS = 2
SECONDS, LABEL_SECONDS = 30, 300  # of processor time: for an image or a zip's entry, for a whole file of labels
WAIT = 120.0  # seconds without a sign of life
MAX_HEADER, MAX_BODY = 64 * 2**20, 512 * 2**20


class Broken(Exception):
    """A reader ended, or had to be ended; the sentence says how."""


class Guard:
    """A pool of reader processes, started when they are needed.

    Args:
        readers: how many files are open at once; more callers wait.
    """

    def __init__(self, readers: int = READERS, *, wait: float = WAIT, seconds: int = SECONDS) -> None:
        self.wait, self.seconds = wait, seconds
        self._idle: queue.LifoQueue[_Reader | None] = queue.LifoQueue()
        for _ in range(readers):
            self._idle.put(None)

    def close(self) -> None:
        """End the readers that wait for work."""
        for reader in [self._idle.get() for _ in range(self._idle.qsize())]:
            if reader is not None:
                reader.end(patience=0.0)
            self._idle.put(None)

    def picture(self, data: bytes) -> Picture:
        """See `read_picture`; raises BadPicture."""
        if len(data) > MAX_BYTES:
            raise BadPicture(f"is larger than {MAX_BYTES // 2**20} MiB: save it smaller or compressed")
        facts, body = self._one({"do": "picture"}, data)
        png = facts["png"]
        return Picture(body[:png], body[png:], facts["width"], facts["height"])

    def mask(self, data: bytes, *, width: int, height: int, of: str) -> np.ndarray:
        """See `read_mask`; raises BadPicture."""
        _, body = self._one({"do": "mask", "width": width, "height": height, "of": of}, data[: MAX_BYTES + 1])
        bits = np.unpackbits(np.frombuffer(body, np.uint8), count=width * height)
        return bits.reshape(height, width).astype(bool)

    def listed(self, path: Path, *, shown: str, max_entries: int, max_total: int) -> list[tuple[str, str | None]]:
        """The names in a zip, each with why it is refused, if it is; raises Refused when the whole zip is."""
        limits = {"max_entries": max_entries, "max_total": max_total}
        try:
            facts, _ = self._one({"do": "listed", "path": str(path.resolve()), "shown": shown, **limits})
        except BadPicture as bad:
            raise Refused(_named(shown, str(bad))) from None
        return [(str(name), reason) for name, reason in facts["entries"]]

    def member(self, path: Path, index: int) -> bytes:
        """The bytes of a zip's entry, at most one more than an image may have; raises BadPicture."""
        return self._one({"do": "member", "path": str(path.resolve()), "index": index})[1]

    def labels(self, path: Path, format: str) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The labels in a file or tree as `label_formats.decoded` gives them; raises Refused."""
        request = {"do": "labels", "path": str(path.resolve()), "format": format}
        try:
            yield from self._frames(request, b"", LABEL_SECONDS)
        except BadPicture as bad:
            raise Refused(_named(path.name, str(bad))) from None

    def _one(self, request: dict[str, Any], data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        frames = list(self._frames(request, data, self.seconds))
        if len(frames) != 1:
            raise BadPicture("could not be read: its reader gave no answer")
        return frames[0]

    def _frames(self, request: dict[str, Any], data: bytes, seconds: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        with self._reader() as reader:
            try:
                reader.ask({**request, "seconds": seconds}, data)
                while True:
                    facts, body = reader.hear(self.wait)
                    if facts.get("end"):
                        break
                    yield facts, body
            except Broken as broken:
                raise BadPicture(f"cannot be opened ({broken}): it asks for more than any honest file does") from None
            if refused := facts.get("refused"):
                raise BadPicture(str(refused))

    @contextmanager
    def _reader(self) -> Iterator["_Reader"]:
        reader = self._idle.get()
        try:
            reader = _living(reader) or _Reader()
            yield reader
        except BadPicture:
            self._idle.put(_living(reader))
            raise
        except BaseException:  # the caller left in the middle of an answer, or no process can be started
            if reader is not None:
                reader.end(patience=0.0)
            self._idle.put(None)
            raise
        self._idle.put(reader)


class _Reader:
    """One child process and the two pipes to it."""

    def __init__(self) -> None:
        root = str(Path(app.__file__).resolve().parents[1])
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
        environment |= {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.services.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], data: bytes) -> None:
        header = json.dumps(request).encode()
        with _or_broken(self):
            self._to.write(FRAME.pack(len(header), len(data)) + header)
            self._to.write(data)
            self._to.flush()

    def hear(self, wait: float) -> tuple[dict[str, Any], bytes]:
        deadline = time.monotonic() + wait
        header, body = FRAME.unpack(self._read(FRAME.size, deadline))
        if header > MAX_HEADER or body > MAX_BODY:
            self._fail("it is too large")
        try:
            facts = json.loads(self._read(header, deadline))
        except ValueError:
            self._fail("its reader spoke nonsense")
        return facts, self._read(body, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        parts: list[bytes] = []
        while size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                self._fail("it took too long")
            part = os.read(self._from.fileno(), min(size, 2**20))
            if not part:
                self._fail(None)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _fail(self, why: str | None) -> Any:
        self.end()
        raise Broken(why or self._how())

    def _how(self) -> str:
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return "it took too much processor time"
        return f"its reader was ended by signal {-code}" if code < 0 else f"its reader ended with code {code}"

    def end(self, patience: float = 0.2) -> None:
        """Kill it, after `patience` seconds in which it may end by itself and leave its own exit code."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        self._process.wait()
        for pipe in (self._to, self._from):
            with suppress(OSError):
                pipe.close()


def _living(reader: _Reader | None) -> _Reader | None:
    """The reader, where it lives; of one that died by itself the pipes are still open."""
    if reader is None or reader.alive():
        return reader
    reader.end()
    return None


@contextmanager
def _or_broken(reader: _Reader) -> Iterator[None]:
    try:
        yield
    except OSError:
        reader._fail(None)


def _named(name: str, reason: str) -> str:
    return f"{name} {reason}" if reason.partition(" ")[0] in ("is", "needs", "cannot", "could") else reason


_making = threading.Lock()


@cache
def _only() -> Guard:
    made = Guard()
    atexit.register(made.close)
    return made


def guard() -> Guard:
    """This process's readers."""
    with _making:
        return _only()
