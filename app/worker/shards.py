"""Score many images in shards that any worker may take; a shard's result has a name before it exists.

The name is a digest of the model and of the images' contents, so whoever scores a shard twice, on whatever machine or
engine, writes the same name, and the store keeps the first. Rows go into the database out of the stored result,
verified by its seal.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict

from app.jobs import InParts, Job, Part
from app.parts import finish
from app.services.context import Context
from app.services.errors import Refused
from app.worker.device import held_device
from app.worker.score import (
    ScoreRow,
    batches,
    load_model,
    references_of,
    score_new,
    values_of,
    weights_of,
    with_novelty,
)
from storage import scores, shards, versions
from storage.errors import DamagedObject, NotFound
from storage.models import Image
from storage.shards import Shard


def score(context: Context, job: Job) -> None:
    """Score what the deciding version has not seen: here, or in shards when there is more than one shard's worth.

    Raises:
        InParts: the run was cut into shards and ends with the last of them.
        Refused: no version decides.
    """
    with context.database.write() as session:
        if shards.has_shards(session, job.run_id):
            raise InParts
        version = versions.deciding_version(session, job.project_id)
        if version is None:
            raise Refused("no version decides in this project: train it first")
        taken = shards.taken_up_to(session, version.id)
        todo = scores.count_unscored(session, version.id, job.project_id, after=taken)
        size, asked = context.settings.shard, {"version_id": version.id, "project_id": job.project_id}
        made = shards.plan(session, run_id=job.run_id, size=size, **asked) if todo > size else []
        session.add_all(made)
    if not made:
        return score_new(context, job)
    raise InParts


def score_part(context: Context, part: Part, *, device: AbstractContextManager[None] | None = None) -> None:
    """Score one shard, or find its result; write its rows. `device` is held meanwhile: this machine's, unless given.

    Raises:
        Cancelled: the part was cancelled; nothing of it was written.
    """
    with context.database.read() as session:
        held = session.get_one(Shard, (part.run_id, part.number))
        version = versions.version(session, held.version_id)
        mine = shards.images_in(session, held, version.project_id)
    weights = weights_of(context, version.project_id)
    rows = result(
        context,
        version.checkpoint,
        mine,
        weights=weights,
        should_stop=part.cancelled,
        device=device,
        show=part.progress,
    )
    known = references_of(context, version.id)
    values = [values_of(row) for row in with_novelty(rows, known)]
    finish(part, lambda session: scores.save_scores(session, version.id, values))


def result(
    context: Context,
    checkpoint: str,
    mine: Sequence[Image],
    *,
    weights: str | None,
    should_stop: Callable[[], bool],
    device: AbstractContextManager[None] | None = None,
    show: Callable[[int], None] = lambda scored: None,
) -> list[ScoreRow]:
    """The rows of some images as the object store keeps them: found by name, or scored now and created once."""
    name, damaged = name_of(checkpoint, mine), False
    try:
        found = read(context, name)
        if all(context.blobs.renew(row.maps) for row in found):  # else `tidy` took them: no row had named them yet
            return found
        damaged = True
    except NotFound:
        pass
    except DamagedObject:
        damaged = True
    rows: list[ScoreRow] = []
    with device or held_device(context.settings.home, should_stop):
        model = load_model(context, checkpoint, weights)
        for batch in batches(context, model, mine, should_stop=should_stop):
            rows += batch
            show(len(rows))
    lines = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    context.blobs.create(name, lines.encode(), mend=damaged)
    return read(context, name)  # the first one's, should another have been faster


def name_of(checkpoint: str, mine: Sequence[Image]) -> str:
    """The name of a shard's result: what it was made of, in order."""
    return shards.result_name(checkpoint, [(image.id, image.pixels) for image in mine])


def read(context: Context, name: str) -> list[ScoreRow]:
    """A stored result's rows.

    Raises:
        NotFound, DamagedObject: there is none yet, or its bytes are not those that were created.
    """
    return [ScoreRow(**json.loads(line)) for line in context.blobs.read(name).decode().splitlines()]
