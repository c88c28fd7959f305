"""Content-addressed objects behind a URL: a key is the SHA-256 of its bytes, so its meaning never changes.

Beside them lie results with a name that is known before they are (`create`): sealed with their own digest, and written
once. Whoever comes second finds what the first one wrote.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from storage.errors import DamagedObject, NotFound, Unavailable
from storage.stores import Entry, Folder, moment, open_store, require_create_only, write_atomically

KEY = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z]+/[0-9a-f]{64}")
OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")
T = TypeVar("T")


class Blobs:
    """Objects under one URL (`file://` by default, `s3://bucket/prefix`, others where their fsspec driver is there).

    Raises:
        StorageError: the URL's kind is unknown, it cannot be written, or it ignores create-only writes.
    """

    def __init__(self, url: str) -> None:
        self._store = open_store(url)
        require_create_only(self._store)

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their key; safe to repeat, never half-written.

        An object that is there already counts as written now: `discard` leaves it to whoever is about to name it.

        Raises:
            Unavailable: they cannot be written (no space left, no rights).
        """
        key = hashlib.sha256(data).hexdigest()
        path = path_of(key)
        try:  # looking first is cheap in a folder; elsewhere the create itself finds out, in one request
            kept = isinstance(self._store, Folder) and self._again(path, data)
            while not kept:
                kept = self._store.create(path, data) or self._again(path, data)
        except OSError as error:
            raise self._unwritable(data, error) from error
        return key

    def get(self, key: str) -> bytes:
        """The bytes of a key, verified.

        Raises:
            NotFound: no such object.
            DamagedObject: its bytes are not those that were put.
        """
        data = self._read(key, path_of(key))
        if hashlib.sha256(data).hexdigest() != key:
            raise DamagedObject(f"object {key} is damaged ({len(data):,} bytes): restore it from a backup")
        return data

    def exists(self, key: str) -> bool:
        return self._store.size(path_of(key)) is not None

    def all_keys(self) -> Iterator[str]:
        """Every key that there is, in no order; half-written files of a killed process are none."""
        for path in self._store.paths():
            if OBJECT.fullmatch(path):
                yield path.rpartition("/")[2]

    def local_path(self, key: str, cache: Path) -> Path:
        """A file on this machine with the bytes of a key: the object itself, or a copy under `cache`."""
        if isinstance(self._store, Folder):
            path = self._store.path(path_of(key))
            if not path.is_file():
                raise NotFound(f"object {key} is gone: restore it from a backup")
            return path
        copy = cache / key[:2] / key
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(copy, self.get(key))
        return copy

    def renew(self, key: str) -> bool:
        """Let an object count as written now, for whoever is about to name it again; False when it is not whole."""
        try:
            self.put(self.get(key))
        except (NotFound, DamagedObject):
            return False
        return True

    def clock(self) -> datetime:
        """What time it is where the objects lie: their age is told by no other clock."""
        return self._reach(lambda: moment(self._store))

    def entries(self) -> Iterator[Entry]:
        """Everything in the store, in no order: objects, results, and what killed processes left half-written."""
        yield from self._store.entries()

    def sizes(self, keys: Collection[str]) -> dict[str, int]:
        """Bytes of those of `keys` that are there; outside of a folder the store's listing is read once."""
        if isinstance(self._store, Folder):
            sizes = ((key, self._store.size(path_of(key))) for key in keys)
            return {key: size for key, size in sizes if size is not None}
        wanted = {path_of(key): key for key in keys}
        return {wanted[entry.path]: entry.size for entry in self._store.entries() if entry.path in wanted}

    def discard(self, path: str, *, before: datetime) -> bool:
        """Delete what lies under a path of `entries` for good, unless it was written or renewed at `before` or later.

        Raises:
            Unavailable: it cannot be deleted (no rights).
        """
        return self._reach(lambda: self._store.discard(path, before=before))

    def create(self, name: str, data: bytes, *, mend: bool = False) -> bool:
        """Keep a result under its name unless there is one; whether it was this one.

        Args:
            name: a kind and 64 hexadecimal digits that say what it is the result of, `kind/digits`.
            mend: write over a result that `read` found damaged.

        Raises:
            Unavailable: it cannot be written.
        """
        sealed = hashlib.sha256(data).hexdigest().encode() + b"\n" + data
        try:
            if mend:
                self._store.overwrite(_named(name), sealed)
                return True
            return self._store.create(_named(name), sealed)
        except OSError as error:
            raise self._unwritable(data, error) from error

    def read(self, name: str) -> bytes:
        """The result of a name, verified by its seal.

        Raises:
            NotFound: nobody created it yet.
            DamagedObject: its bytes are not those that were created.
        """
        seal, _, data = self._read(name, _named(name)).partition(b"\n")
        if hashlib.sha256(data).hexdigest().encode() != seal:
            raise DamagedObject(f"result {name} is damaged ({len(data):,} bytes): it is made again by the next attempt")
        return data

    def _again(self, path: str, data: bytes) -> bool:
        """Renew what is there; False when nothing is."""
        size = self._store.size(path)
        if size is not None and size != len(data):  # cut short by something else than us
            self._store.overwrite(path, data)
            return True
        return size is not None and self._store.renew(path, data)

    def _reach(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except OSError as error:
            raise Unavailable(
                f"{self._store.root} cannot be changed ({error.strerror or error}): see that it runs and its rights"
            ) from error

    def _read(self, what: str, path: str) -> bytes:
        try:
            return self._store.read(path)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"object {what} is gone: restore it from a backup") from error
        except OSError as error:
            raise Unavailable(f"object {what} cannot be read ({error}): check {self._store.root}") from error

    def _unwritable(self, data: bytes, error: OSError) -> Unavailable:
        return Unavailable(
            f"an object of {len(data):,} bytes cannot be kept ({error.strerror or error}): free some space or mend the "
            f"rights of {self._store.root}, then try again"
        )


def path_of(key: str) -> str:
    """Where an object lies in its store."""
    if not KEY.fullmatch(key):
        raise NotFound(f"{key[:80]!r} is no object key: 64 hexadecimal digits are")
    return f"{key[:2]}/{key[2:4]}/{key}"


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise NotFound(f"{name[:80]!r} is no result's name: a kind and 64 hexadecimal digits are")
    return name
