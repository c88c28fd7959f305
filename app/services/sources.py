"""What may be ingested, as a flat list of entries: a folder, a zip, staged uploads. A name is text, never a path."""

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.services.errors import Refused
from app.services.guard import guard
from app.services.pictures import MAX_BYTES, SUFFIXES, BadPicture
from app.services.zips import silent
from storage.text import visible

MAX_ENTRIES = 100_000
MAX_TOTAL = 64 * 2**30
NAMES = "names.json"  # in a folder of staged uploads: stored name -> the name that the browser gave


@dataclass(frozen=True)
class Entry:
    """One file of a source: its name with forward slashes, and a way to its bytes (raises BadPicture).

    Whatever way it came, its name is text from here on: it is shown, stored and written to files.
    """

    name: str
    read: Callable[[], bytes]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", visible(self.name))

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.name).parts

    @property
    def is_image(self) -> bool:
        return self.name.lower().endswith(SUFFIXES)


@contextmanager
def opened(source: Path) -> Iterator[list[Entry]]:
    """The entries of a folder, a zip, a folder of staged uploads or a single image, in a stable order.

    Raises:
        Refused: the source is missing, unreadable, not one of these, or a zip beyond the limits.
    """
    try:
        if (source / NAMES).is_file():
            with _staged(source) as entries:
                yield entries
        elif source.is_dir():
            yield list(_folder(source))
        elif source.is_file() and zipfile.is_zipfile(source):
            with _zip(source) as entries:
                yield entries
        elif source.is_file() and source.name.lower().endswith(SUFFIXES):
            yield [Entry(source.name, lambda: _read_file(source))]
        else:
            what = "is neither a folder, a zip nor an image" if source.exists() else "does not exist"
            raise Refused(f"{source} {what}: give a folder or a zip of images")
    except PermissionError as error:
        raise Refused(f"{error.filename or source} may not be read: mend its rights") from error


def _folder(root: Path) -> Iterator[Entry]:
    count = 0
    for folder, subfolders, files in os.walk(root, followlinks=False):
        subfolders.sort()
        for name in subfolders:
            if (Path(folder) / name).is_symlink():
                yield Entry(_relative(root, Path(folder) / name), _refuse("is a link: copy the folder it points to"))
        for name in sorted(files):
            path = Path(folder) / name
            if silent(path.relative_to(root).parts):
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise Refused(f"{root} holds more than {MAX_ENTRIES:,} files: ingest it in parts")
            link = path.is_symlink()
            yield Entry(_relative(root, path), _refuse("is a link: copy the file itself") if link else _reader(path))


@contextmanager
def _staged(folder: Path) -> Iterator[list[Entry]]:
    names: dict[str, str] = json.loads((folder / NAMES).read_text(encoding="utf-8"))
    if len(names) == 1 and zipfile.is_zipfile(only := folder / next(iter(names))):
        with _zip(only, shown=next(iter(names.values()))) as entries:
            yield entries
        return
    zips = [shown for stored, shown in names.items() if shown.lower().endswith(".zip")]
    if zips and len(names) > 1:
        raise Refused(f"{zips[0]} came with {len(names) - 1} other files: upload one zip at a time, or only images")
    yield [Entry(shown, _reader(folder / stored)) for stored, shown in names.items()]


@contextmanager
def _zip(path: Path, *, shown: str = "") -> Iterator[list[Entry]]:
    """Listed and unpacked by a reader process; see `guard`."""
    limits = {"max_entries": MAX_ENTRIES, "max_total": MAX_TOTAL}
    listed = guard().listed(path, shown=shown or path.name, **limits)
    yield [Entry(name, _refuse(why) if why else _member(path, index)) for index, (name, why) in enumerate(listed)]


def _member(path: Path, index: int) -> Callable[[], bytes]:
    return lambda: guard().member(path, index)


def _reader(path: Path) -> Callable[[], bytes]:
    return lambda: _read_file(path)


def _read_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise BadPicture("is not a plain file")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadPicture(f"cannot be read ({error.strerror or error})") from None


def _refuse(reason: str) -> Callable[[], bytes]:
    def read() -> bytes:
        raise BadPicture(reason)

    return read


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
