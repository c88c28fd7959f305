"""Watch a folder or a bucket: each new image is ingested once, when nobody writes it any more.

A file is taken when its size and its time of change rested between two looks that lie `settle` seconds apart, and when
they are still the same after it was read. What was taken is known by its content, as in every ingest, so that a
restart, a second watcher or a copy under another name brings nothing twice; the ledger beside the database only spares
reading files again.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec

from app.services.access import project_of
from app.services.arrival import Tally, bring_in, no_room
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.layout import Candidate, Refusal
from app.services.pictures import MAX_BYTES, SUFFIXES, BadPicture
from app.services.score import request_scoring
from app.services.sources import Entry
from storage import images
from storage.models import Ingest, Project, Role, now
from storage.text import visible

Stamp = tuple[int, str]  # size in bytes, and when it changed: as the file system tells it
LINK: Stamp = (-1, "is a link: copy the file itself")  # never followed; named once
NOT_PLAIN: Stamp = (-1, "is not a plain file: copy the image itself")


@dataclass(frozen=True)
class Look:
    """What one look came to.

    Attributes:
        added, duplicates: images.
        refused: files that are no usable images; each is tried again when it changes.
        waiting: files that may still be written.
        queued: whether the new images wait for a worker to score them.
    """

    added: int
    duplicates: int
    refused: list[Refusal]
    waiting: int
    queued: bool


class Watch:
    """Looks at one place for one project.

    Args:
        place: a folder, or an fsspec URL of a folder or bucket.
        settle: seconds that a file has to rest.
        clock: seconds that never go back.

    Raises:
        Refused: no such project, or the place cannot be reached.
    """

    def __init__(
        self,
        context: Context,
        actor: Actor,
        project_slug: str,
        place: str,
        *,
        settle: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.context, self.actor, self.slug, self.settle, self.clock = context, actor, project_slug, settle, clock
        with context.database.read() as session:
            self.project: Project = project_of(session, actor, project_slug, Role.engineer)
        try:
            self._files, self._root = fsspec.core.url_to_fs(place)
            if not self._files.isdir(self._root):
                raise Refused(f"{shown(place)} is no folder that can be read: check the path, and that it is mounted")
        except (ValueError, ImportError, OSError) as error:
            raise Refused(f"{shown(place)} cannot be watched ({error}): give a folder or an fsspec URL") from error
        self.source = visible(f"watch {shown(place)}")[:1000]
        known_as = f"{project_slug} {self._files.unstrip_protocol(self._root)}".encode(errors="surrogateescape")
        key = hashlib.sha256(known_as).hexdigest()[:32]
        self._ledger = context.settings.home / "watch" / f"{key}.jsonl"
        self._done = _read_ledger(self._ledger, since=self.project.created_at.timestamp())
        self._resting: dict[str, tuple[Stamp, float]] = {}
        self._unread: dict[str, Stamp] = {}  # named already, and tried again in silence

    def look(self) -> Look:
        """One look: take what rests, remember what doesn't yet.

        Raises:
            OSError: the place cannot be read now.
            Refused: the object store cannot be written; nothing that was brought in is lost.
        """
        found = self._stamps()
        self._resting = {name: kept for name, kept in self._resting.items() if name in found}
        ready = [name for name, stamp in sorted(found.items()) if self._rests(name, stamp)]
        waiting = sum(self._done.get(name) != stamp for name, stamp in found.items()) - len(ready)
        taken, entries = {}, []
        for name in ready:
            if (entry := self._entry(name, found[name])) is None:
                waiting += 1
                self._resting.pop(name, None)
            else:
                entries.append(entry)
                if name not in self._unread:
                    taken[name] = found[name]
        if not entries:
            return Look(0, 0, [], waiting, False)
        tally = self._take(entries)
        self._remember(taken)
        return Look(tally.added, tally.duplicates, tally.refused, waiting, bool(tally.added) and self._score())

    def _stamps(self) -> dict[str, Stamp]:
        self._files.invalidate_cache()
        found: dict[str, Stamp] = {}
        for path, info in self._files.find(self._root, detail=True).items():
            name = path[len(self._root) :].lstrip("/")
            hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
            if not hidden and name.lower().endswith(SUFFIXES):
                plain = info.get("type") == "file" and not info.get("islink")
                found[name] = _stamp(info) if plain else LINK if info.get("islink") else NOT_PLAIN
        return found

    def _rests(self, name: str, stamp: Stamp) -> bool:
        """Whether a file that was not taken has rested; an empty one has not been written yet."""
        if self._done.get(name) == stamp or stamp[0] == 0:
            return False
        before, since = self._resting.get(name, (None, 0.0))
        if before != stamp:
            self._resting[name] = (stamp, self.clock())
            return False
        return self.clock() - since >= self.settle

    def _entry(self, name: str, stamp: Stamp) -> Entry | None:
        """The file's bytes, or None when it changed while it was read."""
        path = f"{self._root.rstrip('/')}/{name}"
        if stamp in (LINK, NOT_PLAIN):
            return Entry(name, _raise(stamp[1]))
        if stamp[0] > MAX_BYTES:
            return Entry(name, _raise(f"is larger than {MAX_BYTES // 2**20} MiB: save it smaller or compressed"))
        try:
            data: bytes = self._files.cat_file(path)
            self._files.invalidate_cache()
            after = _stamp(self._files.info(path))
        except FileNotFoundError:
            return None
        except OSError as error:  # not in the ledger: mended rights don't change its stamp, and a network recovers
            if self._unread.get(name) == stamp:
                return None
            self._unread[name] = stamp
            return Entry(name, _raise(f"cannot be read ({error.strerror or error}): mend its rights or copy it again"))
        self._unread.pop(name, None)
        if after != stamp or len(data) != stamp[0]:
            return None
        return Entry(name, lambda: data)

    def _take(self, entries: list[Entry]) -> Tally:
        """Into the day's arrival of this watch, so that the list of arrivals grows by days and not by looks."""
        with self.context.database.write() as session:
            today = next((row for row in images.ingests(session, self.project.id) if self._is_todays(row)), None)
            today = today or images.start_ingest(
                session, project_id=self.project.id, source=self.source, by=self.actor.name
            )
            before = (today.id, today.added, today.duplicates, list(today.refused))
        tally = Tally(before[0], resumed=False)
        candidates = [Candidate(entry) for entry in entries]
        try:
            bring_in(
                self.context, self.project.id, candidates, tally, progress=lambda *_: None, should_stop=lambda: False
            )
        except OSError as error:
            raise Refused(no_room(error, tally)) from error
        refused = before[3] + [{"name": refusal.name, "reason": refusal.reason} for refusal in tally.refused]
        with self.context.database.write() as session:
            added, duplicates = before[1] + tally.added, before[2] + tally.duplicates
            images.finish_ingest(session, tally.ingest_id, added=added, duplicates=duplicates, refused=refused[-1000:])
        return tally

    def _is_todays(self, row: Ingest) -> bool:
        return row.source == self.source and row.created_at.date() == now().date()

    def _remember(self, taken: dict[str, Stamp]) -> None:
        self._done |= taken
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        with self._ledger.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([name, *stamp]) + "\n" for name, stamp in taken.items())

    def _score(self) -> bool:
        try:
            request_scoring(self.context, self.actor, self.slug)
        except Refused:  # no version yet: before day one there is nothing to score with
            return False
        return True


def shown(place: str) -> str:
    """A URL without what may be a password."""
    parts = urlsplit(place)
    if not parts.scheme or "@" not in parts.netloc:
        return place
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _stamp(info: dict[str, Any]) -> Stamp:
    changed = next((info[key] for key in ("mtime", "LastModified", "last_modified", "ETag", "etag") if key in info), "")
    return int(info["size"] or 0), str(changed)


def _read_ledger(path: Path, *, since: float) -> dict[str, Stamp]:
    """What earlier looks took; a line that a kill cut short is a file that is read again.

    A ledger that was last written before `since` is of an earlier project of this name, which was removed.
    """
    found: dict[str, Stamp] = {}
    if path.is_file() and path.stat().st_mtime < since:
        path.unlink()
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                name, size, changed = json.loads(line)
                found[name] = (int(size), str(changed))
            except (ValueError, TypeError):
                continue
    return found


def _raise(reason: str) -> Callable[[], bytes]:
    def read() -> bytes:
        raise BadPicture(reason)

    return read
