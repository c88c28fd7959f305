"""One file that holds many, each with its SHA-256 in a manifest: what a backup is made of.

A zip, so that any tool can look inside. The manifest is written last: a file that was cut short has none.
"""

import contextlib
import hashlib
import json
import os
import re
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storage.errors import StorageError

FORMAT = "bgad-inspect backup 1"
MANIFEST = "manifest.json"
NAME = re.compile(r"tables/[a-z_]{1,60}\.jsonl|(objects|weights)/[0-9a-f]{64}|uploads/[0-9a-f]{32}/[0-9a-z.]{1,40}")
CHUNK = 2**20


class DamagedArchive(StorageError):
    """A backup that is not whole, or not one at all."""


class Writer:
    """Adds entries to an archive that is not there yet; see `written`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self.entries: dict[str, dict[str, Any]] = {}

    def add(self, name: str, chunks: Iterable[bytes], *, compress: bool = False) -> None:
        """Write one entry piece by piece; a name that is there already is left as it is."""
        if name in self.entries:
            return
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as entry:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                entry.write(chunk)
        self.entries[name] = {"sha256": digest.hexdigest(), "bytes": size}


@contextmanager
def written(
    path: Path, facts: dict[str, Any], *, check: Callable[[Path], object] = lambda path: None
) -> Iterator[Writer]:
    """A new archive: whole, on disk and under its name when the block ends well, nothing at all when it does not.

    Args:
        facts: joins the manifest; may be filled while the block runs.
        check: reads what was written before it gets its name, and raises when it is not whole.

    Raises:
        StorageError: the name is taken, or the file cannot be written.
    """
    if path.exists():
        raise StorageError(f"{path} exists already: give a new name")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            archive = zipfile.ZipFile(file, "w", compresslevel=1)
            try:
                writer = Writer(archive)
                yield writer
                manifest = {"format": FORMAT, **facts, "entries": writer.entries}
                archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
            except BaseException:
                with contextlib.suppress(OSError, ValueError):  # it would write its table of contents: for nothing
                    archive.close()
                raise
            archive.close()
            file.flush()
            os.fsync(file.fileno())
        check(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(
            f"the backup {path} cannot be written ({error.strerror or error}): nothing is left of it; free some space "
            "or choose another place"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


class Archive:
    """An archive that is there, with its manifest."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._zip = path, archive
        try:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise DamagedArchive(f"{path} has format {str(manifest['format'])[:60]!r}: this release reads {FORMAT}")
            self.manifest: dict[str, Any] = manifest
            self.entries: dict[str, dict[str, Any]] = manifest["entries"]
            strange = [name for name in self.entries if not NAME.fullmatch(name)]
        except (KeyError, TypeError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise DamagedArchive(f"{path} has no manifest that can be read ({error}): it is no whole backup") from error
        if strange:
            raise DamagedArchive(f"{path} holds {strange[0][:80]!r}, which no backup holds: take another one")

    def names(self, folder: str) -> list[str]:
        """Its entries under a folder, in the order in which they were written."""
        return [name for name in self.entries if name.startswith(f"{folder}/")]

    def chunks(self, name: str) -> Iterator[bytes]:
        """An entry's bytes, piece by piece.

        Raises:
            DamagedArchive: they are not those that were written; told at the end of the entry.
        """
        expected, digest = self.entries[name], hashlib.sha256()
        try:
            with self._zip.open(name) as entry:
                while chunk := entry.read(CHUNK):
                    digest.update(chunk)
                    yield chunk
        except (KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise DamagedArchive(f"{self._path}: {name} cannot be read ({error}): take another backup") from error
        if digest.hexdigest() != expected["sha256"]:
            raise DamagedArchive(f"{self._path}: {name} is damaged: take another backup")

    def lines(self, name: str) -> Iterator[bytes]:
        """An entry line by line."""
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def verify(self) -> None:
        """Read every entry; raises DamagedArchive at the first that is not as it was written, or is too many."""
        extra = {info.filename for info in self._zip.infolist()} - set(self.entries) - {MANIFEST}
        if extra:
            raise DamagedArchive(f"{self._path} holds {min(extra)[:80]!r}, which its manifest does not know")
        for name, expected in self.entries.items():
            size = sum(len(chunk) for chunk in self.chunks(name))
            if size != expected["bytes"]:
                raise DamagedArchive(f"{self._path}: {name} has {size} bytes, not {expected['bytes']}")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """An archive to read from.

    Raises:
        DamagedArchive: no archive, or one that was cut short.
        StorageError: it cannot be opened.
    """
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror or error}): check the path") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DamagedArchive(f"{path} is no whole backup ({error}): take another one") from error
    with archive:
        yield Archive(path, archive)
