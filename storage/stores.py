"""Where objects lie: a folder, an S3 bucket, or another fsspec file system. Each can create an object only once.

Objects may also be discarded, when nothing names them any more. Whoever is just about to name one again has renewed it
first, so that it counts as young, and only old ones are discarded.
"""

import contextlib
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import fsspec

from storage.errors import StorageError

PROBE = "create-only"
CLOCK = "clock"


@dataclass(frozen=True)
class Entry:
    """What lies under a path: how many bytes, and since when by the store's own clock."""

    path: str
    size: int
    modified: datetime


class Store(Protocol):
    """Bytes under paths relative to a root. Errors are OSError; FileNotFoundError where there is nothing."""

    root: str

    def read(self, path: str) -> bytes: ...

    def size(self, path: str) -> int | None: ...

    def paths(self) -> Iterator[str]:
        """All paths that there are, in no order."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Write all of the bytes unless the path is taken; whether they were written."""
        ...

    def overwrite(self, path: str, data: bytes) -> None: ...

    def entries(self) -> Iterator[Entry]:
        """All that there is, in no order."""
        ...

    def modified(self, path: str) -> datetime | None: ...

    def renew(self, path: str, data: bytes) -> bool:
        """Let what is there count as written now; `data` are its bytes. False when it is not there any more."""
        ...

    def discard(self, path: str, *, before: datetime) -> bool:
        """Delete it for good unless it was written or renewed at `before` or later; whether it was deleted."""
        ...


def moment(store: Store) -> datetime:
    """What the store's own clock says: of something that was written just now."""
    store.overwrite(CLOCK, b"what time it is here\n")
    if (said := store.modified(CLOCK)) is None:
        raise OSError(f"{store.root} lost what was just written to it")
    return said


def open_store(url: str) -> Store:
    """The store behind a URL.

    Raises:
        StorageError: the URL's kind is unknown, its driver is missing, or the store does not keep what it creates.
    """
    try:
        if urlsplit(url).scheme in ("s3", "s3a"):
            from storage.s3_store import S3

            return S3(url)
        files, root = fsspec.core.url_to_fs(url)
        return Folder(root) if "file" in _protocols(files) else Other(files, root)
    except (ValueError, ImportError, OSError) as error:
        raise StorageError(f"objects cannot be kept at {url} ({error}): set BGAD_OBJECTS_URL") from error


def require_create_only(store: Store) -> None:
    """Refuse a store that writes over what is there although it was told not to.

    Raises:
        StorageError: it does, or it cannot be written at all.
    """
    if isinstance(store, Folder):  # the kernel's link() refuses a name that is taken
        return
    try:
        overwrites = store.create(PROBE, b"a second write of this object must be refused\n") and store.create(
            PROBE, b"this object was written over\n"
        )
    except OSError as error:
        raise StorageError(f"{store.root} cannot be written ({error}): see that it runs and you may write") from error
    if overwrites:
        raise StorageError(
            f"{store.root} ignores create-only writes (If-None-Match: *): two workers could write over each other's "
            "results. Use a store that honours them (Amazon S3 does, and so do current S3-compatible servers)"
        )


class Folder:
    """A folder of this machine, or one that several machines mount."""

    def __init__(self, root: str) -> None:
        self.root = root
        Path(root).mkdir(parents=True, exist_ok=True)

    def read(self, path: str) -> bytes:
        return self.path(path).read_bytes()

    def size(self, path: str) -> int | None:
        try:
            found = self.path(path).stat()
        except FileNotFoundError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def paths(self) -> Iterator[str]:
        root = Path(self.root)
        return (found.relative_to(root).as_posix() for found in root.rglob("*") if found.is_file())

    def create(self, path: str, data: bytes) -> bool:
        return write_atomically(self._made(path), data, only_new=True)

    def overwrite(self, path: str, data: bytes) -> None:
        write_atomically(self._made(path), data)

    def entries(self) -> Iterator[Entry]:
        for path in self.paths():
            with contextlib.suppress(FileNotFoundError):  # gone since it was listed
                found = self.path(path).stat()
                yield Entry(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def modified(self, path: str) -> datetime | None:
        try:
            return datetime.fromtimestamp(self.path(path).stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    def renew(self, path: str, data: bytes) -> bool:
        try:
            os.utime(self.path(path))
        except FileNotFoundError:
            return False
        return True

    def discard(self, path: str, *, before: datetime) -> bool:
        """Taken aside first, then looked at: whoever renews it now finds it gone, whoever did before is seen."""
        found = self.path(path)
        aside = found.with_name(f".{found.name}.{uuid.uuid4().hex}")
        if (written := self.modified(path)) is None or written >= before:
            return False
        try:
            found.rename(aside)
        except FileNotFoundError:  # another was faster
            return False
        young = datetime.fromtimestamp(aside.stat().st_mtime, UTC) >= before
        if young:
            with contextlib.suppress(FileExistsError):  # written anew meanwhile
                os.link(aside, found)
        aside.unlink()
        return not young

    def path(self, path: str) -> Path:
        return Path(self.root) / path

    def _made(self, path: str) -> Path:
        found = self.path(path)
        found.parent.mkdir(parents=True, exist_ok=True)
        return found


class Other:
    """Any other fsspec file system that is installed, and honours `mode="create"`."""

    def __init__(self, files: Any, root: str) -> None:
        self._files, self.root = files, root
        files.makedirs(root, exist_ok=True)

    def read(self, path: str) -> bytes:
        return bytes(self._files.cat_file(f"{self.root}/{path}"))

    def size(self, path: str) -> int | None:
        try:
            return int(self._files.size(f"{self.root}/{path}"))
        except FileNotFoundError:
            return None

    def paths(self) -> Iterator[str]:
        return (str(path).removeprefix(f"{self.root}/") for path in self._files.find(self.root))

    def create(self, path: str, data: bytes) -> bool:
        return self._put(path, lambda full: self._files.pipe_file(full, data, mode="create"))

    def overwrite(self, path: str, data: bytes) -> None:
        self._put(path, lambda full: self._files.pipe_file(full, data))

    def entries(self) -> Iterator[Entry]:
        for path in self.paths():
            size, modified = self.size(path), self.modified(path)
            if size is not None and modified is not None:
                yield Entry(path, size, modified)

    def modified(self, path: str) -> datetime | None:
        try:
            said: datetime = self._files.modified(f"{self.root}/{path}")
        except FileNotFoundError:
            return None
        return said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)

    def renew(self, path: str, data: bytes) -> bool:
        self.overwrite(path, data)
        return True

    def discard(self, path: str, *, before: datetime) -> bool:
        """Looked at right before: the moment between is the file system's own."""
        if (written := self.modified(path)) is None or written >= before:
            return False
        self._files.rm_file(f"{self.root}/{path}")
        return True

    def _put(self, path: str, write: Callable[[str], object]) -> bool:
        full = f"{self.root}/{path}"
        self._files.makedirs(full.rpartition("/")[0], exist_ok=True)
        try:
            write(full)
        except FileExistsError:
            return False
        return True


def write_atomically(path: Path, data: bytes, *, only_new: bool = False) -> bool:
    """All of the bytes or none, on disk before this returns; False when `only_new` and the path is taken."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not only_new:
            temporary.replace(path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
        _sync_folder(path.parent)
        return True
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
