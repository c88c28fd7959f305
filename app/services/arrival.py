"""One arrival of images: decode, store, commit, in an order that a kill at any moment leaves whole."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.ledger import Stopped
from app.services.context import Context
from app.services.guard import guard
from app.services.label_formats.stored import Stored, stored
from app.services.layout import Candidate, Refusal, label_of
from app.services.pictures import BadPicture, Picture
from storage import annotations, images
from storage.models import Image, Verdict

BATCH = 16
BATCH_SECONDS = 2.0


@dataclass
class Ready:
    """One image, decoded and stored, on its way to its row."""

    candidate: Candidate
    sha256: str
    keys: tuple[str, str]
    picture: Picture
    label: Stored | None


@dataclass
class Tally:
    """What one arrival has come to so far.

    `resumed`: what the arrival brought in before was this same call, interrupted; False where calls follow each other.
    """

    ingest_id: int
    added: int = 0
    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    resumed: bool = True


def bring_in(
    context: Context,
    project_id: int,
    candidates: list[Candidate],
    tally: Tally,
    *,
    progress: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> None:
    """Decode and store one by one, commit rows in small batches: objects first, so that no row lacks its image."""
    batch: list[Ready] = []
    committed = time.monotonic()
    for done, candidate in enumerate(candidates):
        if should_stop():
            _commit(context, project_id, batch, tally)
            raise Stopped
        try:
            if (ready := _prepare(context, project_id, candidate, tally)) is not None:
                batch.append(ready)
        except BadPicture as bad:
            tally.refused.append(Refusal(candidate.entry.name, str(bad)))
        if len(batch) >= BATCH or time.monotonic() - committed > BATCH_SECONDS:
            _commit(context, project_id, batch, tally)
            batch, committed = [], time.monotonic()
        progress(done + 1, len(candidates))
    _commit(context, project_id, batch, tally)


def _prepare(context: Context, project_id: int, candidate: Candidate, tally: Tally) -> Ready | None:
    """Read, decode and store one image; None when the project has it already, with its label."""
    data = candidate.entry.read()
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 in tally.seen:
        tally.duplicates += 1
        return None
    tally.seen.add(sha256)
    with context.database.read() as session:
        known = session.scalar(select(Image).where(Image.project_id == project_id, Image.sha256 == sha256))
        complete = known is not None and (
            candidate.verdict is None or annotations.current_annotation(session, known.id) is not None
        )
    if known is not None and complete:
        _count(tally, known)
        return None
    picture = guard().picture(data)
    label = None
    if candidate.verdict is not None:
        record, refused = label_of(candidate, sha256=sha256, width=picture.width, height=picture.height)
        tally.refused += refused
        if not (record.unread and record.verdict is Verdict.normal):  # a new defect stays one, without its mask
            label = stored(record, width=picture.width, height=picture.height)
    keys = context.blobs.put(picture.png), context.blobs.put(picture.thumb)
    return Ready(candidate, sha256, keys, picture, label)


def _commit(context: Context, project_id: int, batch: list[Ready], tally: Tally) -> None:
    if not batch:
        return
    with context.database.write() as session:
        images.project(session, project_id)  # says so when it was removed meanwhile
        for ready in batch:
            image, created = images.add_image(
                session,
                project_id=project_id,
                sha256=ready.sha256,
                pixels=ready.keys[0],
                thumb=ready.keys[1],
                name=ready.candidate.entry.name[-500:],
                width=ready.picture.width,
                height=ready.picture.height,
                held_out=ready.candidate.held_out,
                ingest_id=tally.ingest_id,
            )
            _label(session, image, ready)
            _count(tally, image, created=created)


def _label(session: Session, image: Image, ready: Ready) -> None:
    """Bring the label along, unless somebody has said something of this image since."""
    label = ready.label
    if label is None or annotations.current_annotation(session, image.id) is not None:
        return
    annotations.save_annotation(
        session,
        image_id=image.id,
        verdict=label.verdict,
        defect_type=label.defect_type,
        mask=label.mask,
        ignore=label.ignore,
        typed=label.typed,
        by="import",
        client_id=f"import-{image.id}",
        expected_revision=0,
        version_id=None,
        score=None,
    )


def _count(tally: Tally, image: Image, *, created: bool = False) -> None:
    """An image that this same arrival had brought in before it was interrupted counts as added, not as a duplicate."""
    if created or (tally.resumed and image.ingest_id == tally.ingest_id):
        tally.added += 1
    else:
        tally.duplicates += 1


def no_room(error: OSError, tally: Tally) -> str:
    return (
        f"the object store cannot be written ({error.strerror or error}): {tally.added} images are kept; "
        "free some space and start the same ingest again"
    )
