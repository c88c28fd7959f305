"""Zips from strangers, as the reader process opens them: names and sizes first, one entry at a time after that."""

import os
import stat
import zipfile
from pathlib import Path, PurePosixPath

from app.services.errors import Refused
from app.services.pictures import MAX_BYTES, BadPicture

MAX_RATIO = 200
SILENT = ("__MACOSX", "Thumbs.db", "desktop.ini")
BROKEN = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


class Zips:
    """Keeps the last zip open, as long as its file stays the same."""

    def __init__(self) -> None:
        self._open: tuple[tuple[str, int, int], zipfile.ZipFile, list[zipfile.ZipInfo]] | None = None

    def listed(self, path: Path, shown: str, *, max_entries: int, max_total: int) -> list[tuple[str, str | None]]:
        """Names with forward slashes, each with why it is refused, if it is.

        Raises:
            Refused: no zip, or one beyond the limits.
        """
        try:
            infos = self._infos(path)
        except BROKEN as error:
            raise Refused(f"{shown} is no readable zip ({error}): pack it again") from error
        if len(infos) > max_entries:
            raise Refused(f"{shown} holds {len(infos):,} files, more than {max_entries:,}: split it")
        if (total := sum(info.file_size for info in infos)) > max_total:
            raise Refused(f"{shown} unpacks to {total / 2**30:.0f} GiB, more than {max_total // 2**30}: split it")
        return [(info.filename.replace("\\", "/"), refusal_of(info)) for info in infos]

    def member(self, path: Path, index: int) -> bytes:
        """One entry's bytes; at most the limit and one, whatever the zip's own header says of its size."""
        try:
            info = self._infos(path)[index]
            if (reason := refusal_of(info)) is not None:
                raise BadPicture(reason)
            assert self._open is not None
            with self._open[1].open(info) as entry:
                return entry.read(MAX_BYTES + 1)
        except BadPicture:
            raise
        except MemoryError:
            raise
        except Exception as error:  # zlib.error, lzma.LZMAError: each compressor has its own
            raise BadPicture(f"cannot be unpacked ({error}): pack it again") from None

    def _infos(self, path: Path) -> list[zipfile.ZipInfo]:
        """All entries that are files and that somebody meant to pack."""
        state = os.stat(path)
        key = (str(path), state.st_mtime_ns, state.st_size)
        if self._open is None or self._open[0] != key:
            if self._open is not None:
                self._open[1].close()
                self._open = None
            archive = zipfile.ZipFile(path)
            infos = [info for info in archive.infolist() if not info.is_dir() and not silent(parts_of(info.filename))]
            self._open = key, archive, infos
        return self._open[2]


def refusal_of(info: zipfile.ZipInfo) -> str | None:
    """Why an entry is not even unpacked; None when it may be."""
    name = info.filename.replace("\\", "/")
    parts = parts_of(name)
    if not parts or name.startswith("/") or ".." in parts or ":" in parts[0]:
        return "has a name that leads out of the archive: pack it with plain names"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link: pack the file itself"
    if info.flag_bits & 0x1:
        return "is encrypted: pack it without a password"
    if info.file_size > 2**20 and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return f"unpacks to {info.file_size // max(1, info.compress_size)} times its size, which no image does"
    return None


def parts_of(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def silent(parts: tuple[str, ...]) -> bool:
    """Files that a system leaves in every folder; nobody asked to ingest them."""
    return any((part.startswith(".") and part != "..") or part in SILENT for part in parts)
