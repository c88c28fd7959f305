"""Content-addressed objects behind a URL: a key is the SHA-256 of its bytes, so its meaning never changes.

Beside them lie results with a name that is known before they are (`create`): sealed with their own digest, and written
once. Whoever comes second finds what the first one wrote.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from storage.errors import DamagedObject, NotFound, StorageError
from storage.stores import Folder, open_store, require_create_only, write_atomically

KEY = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z]+/[0-9a-f]{64}")
OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")


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

        Raises:
            StorageError: they cannot be written (no space left, no rights).
        """
        key = hashlib.sha256(data).hexdigest()
        path = _path(key)
        try:
            taken = self._known(path, data) or not self._store.create(path, data)
            if taken and self._store.size(path) != len(data):  # cut short by something else than us
                self._store.overwrite(path, data)
        except OSError as error:
            raise self._unwritable(data, error) from error
        return key

    def get(self, key: str) -> bytes:
        """The bytes of a key, verified.

        Raises:
            NotFound: no such object.
            DamagedObject: its bytes are not those that were put.
        """
        data = self._read(key, _path(key))
        if hashlib.sha256(data).hexdigest() != key:
            raise DamagedObject(f"object {key} is damaged ({len(data):,} bytes): restore it from a backup")
        return data

    def exists(self, key: str) -> bool:
        return self._store.size(_path(key)) is not None

    def all_keys(self) -> Iterator[str]:
        """Every key that there is, in no order; half-written files of a killed process are none."""
        for path in self._store.paths():
            if OBJECT.fullmatch(path):
                yield path.rpartition("/")[2]

    def local_path(self, key: str, cache: Path) -> Path:
        """A file on this machine with the bytes of a key: the object itself, or a copy under `cache`."""
        if isinstance(self._store, Folder):
            path = self._store.path(_path(key))
            if not path.is_file():
                raise NotFound(f"object {key} is gone: restore it from a backup")
            return path
        copy = cache / key[:2] / key
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(copy, self.get(key))
        return copy

    def create(self, name: str, data: bytes, *, mend: bool = False) -> bool:
        """Keep a result under its name unless there is one; whether it was this one.

        Args:
            name: a kind and 64 hexadecimal digits that say what it is the result of, `kind/digits`.
            mend: write over a result that `read` found damaged.

        Raises:
            StorageError: it cannot be written.
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

    def _known(self, path: str, data: bytes) -> bool:
        """Looking first is cheap in a folder; elsewhere the create itself finds out, in one request."""
        return isinstance(self._store, Folder) and self._store.size(path) == len(data)

    def _read(self, what: str, path: str) -> bytes:
        try:
            return self._store.read(path)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"object {what} is gone: restore it from a backup") from error
        except OSError as error:
            raise StorageError(f"object {what} cannot be read ({error}): check {self._store.root}") from error

    def _unwritable(self, data: bytes, error: OSError) -> StorageError:
        return StorageError(
            f"an object of {len(data):,} bytes cannot be kept ({error.strerror or error}): free some space or mend the "
            f"rights of {self._store.root}, then try again"
        )


def _path(key: str) -> str:
    if not KEY.fullmatch(key):
        raise NotFound(f"{key[:80]!r} is no object key: 64 hexadecimal digits are")
    return f"{key[:2]}/{key[2:4]}/{key}"


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise NotFound(f"{name[:80]!r} is no result's name: a kind and 64 hexadecimal digits are")
    return name
