"""Content-addressed objects behind an fsspec URL: a key is the SHA-256 of its bytes, so its meaning never changes."""

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

from storage.errors import DamagedObject, NotFound, StorageError

KEY = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """Objects under one URL (`file://` by default; `s3://` and others where their driver is installed).

    Raises:
        StorageError: the URL's kind is unknown or the folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
            self._files.makedirs(self._root, exist_ok=True)
        except (ValueError, ImportError, OSError) as error:
            raise StorageError(f"objects cannot be kept at {url} ({error}): set BGAD_OBJECTS_URL") from error
        self._local = "file" in _protocols(self._files)

    def put(self, data: bytes) -> str:
        """Keep the bytes and return their key; safe to repeat, never half-written.

        Raises:
            StorageError: they cannot be written (no space left, no rights).
        """
        key = hashlib.sha256(data).hexdigest()
        path = self._path(key)
        try:
            if self._files.exists(path) and self._files.size(path) == len(data):
                return key
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            if self._local:
                write_atomically(Path(path), data)
            else:
                self._files.pipe_file(path, data)
        except OSError as error:
            reason = error.strerror or str(error)
            raise StorageError(
                f"an object of {len(data):,} bytes cannot be kept ({reason}): free some space or mend the rights of "
                f"{self._root}, then try again"
            ) from error
        return key

    def get(self, key: str) -> bytes:
        """The bytes of a key, verified.

        Raises:
            NotFound: no such object.
            DamagedObject: its bytes are not those that were put.
        """
        try:
            data = self._files.cat_file(self._path(key))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"object {key} is gone: restore it from a backup") from error
        except OSError as error:
            raise StorageError(f"object {key} cannot be read ({error}): check {self._root}") from error
        if hashlib.sha256(data).hexdigest() != key:
            raise DamagedObject(f"object {key} is damaged ({len(data):,} bytes): restore it from a backup")
        return data

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._path(key)))

    def all_keys(self) -> Iterator[str]:
        """Every key that there is, in no order; half-written files of a killed process are none."""
        for path in self._files.find(self._root):
            if KEY.fullmatch(key := str(path).rpartition("/")[2]):
                yield key

    def local_path(self, key: str, cache: Path) -> Path:
        """A file on this machine with the bytes of a key: the object itself, or a copy under `cache`."""
        if self._local:
            path = Path(self._path(key))
            if not path.is_file():
                raise NotFound(f"object {key} is gone: restore it from a backup")
            return path
        copy = cache / key[:2] / key
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(copy, self.get(key))
        return copy

    def _path(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise NotFound(f"{key[:80]!r} is no object key: 64 hexadecimal digits are")
        return f"{self._root}/{key[:2]}/{key[2:4]}/{key}"


def write_atomically(path: Path, data: bytes) -> None:
    """All of the bytes or none, on disk before this returns."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
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
