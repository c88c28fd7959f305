"""What helps to judge one image: parts like it, log-likelihoods to grow a mask along; and the share shown blind."""

import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from app.services import heat
from app.services.access import image_of, project_of, version_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, audit, pool, scores, versions
from storage.masks import decode_mask
from storage.models import Role, Verdict

COMPARED = 500  # the latest labels of each verdict that an image is held against
MEASURED = 20  # the latest masks that say how far defects reach
MOST_BLIND = 0.5
BLIND = "blind_share"


@dataclass(frozen=True)
class Like:
    """A labelled image that looks like this one in its most abnormal place; `defect_type` None for a normal part."""

    image_id: int
    defect_type: str | None


def most_alike(context: Context, actor: Actor, version_id: int, image_id: int) -> tuple[Like | None, Like | None]:
    """(the nearest normal part, the nearest known defect) as a version sees them; None where there is none."""
    with context.database.read() as session:
        image_of(session, actor, image_id, Role.viewer)
        version = version_of(session, actor, version_id, Role.viewer)
        mine = scores.score_of(session, version_id, image_id)
        if mine is None or mine.descriptor is None:
            return None, None
        labelled = {
            verdict: pool.described(session, version_id, verdict, limit=COMPARED)
            for verdict in (Verdict.normal, Verdict.defect)
        }
        types = {row.id: row.name for row in annotations.defect_types(session, version.project_id)}
    here = _vector(mine.descriptor)
    found: list[Like | None] = []
    for rows in labelled.values():
        others = [row for row in rows if row[0] != image_id]
        far = [float(np.linalg.norm(_vector(descriptor) - here)) for _, _, descriptor in others]
        nearest = others[int(np.argmin(far))] if far else None
        found.append(Like(nearest[0], types.get(nearest[1] or 0)) if nearest else None)
    return found[0], found[1]


def typical_reach(context: Context, actor: Actor, project_slug: str) -> float | None:
    """How large a known defect's largest region usually is: the radius of an equal disc, as a share of the longer side.

    The median of the latest defects that a version may learn from; None before one of them has a mask.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        masks = annotations.latest_masks(session, project.id, limit=MEASURED)
    return float(np.median([_reach(png) for png in masks])) if masks else None


@lru_cache(maxsize=512)
def _reach(mask_png: bytes) -> float:
    mask = decode_mask(mask_png)
    areas = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    return float(np.sqrt(areas.max(initial=0) / np.pi)) / max(mask.shape)


def log_p_bytes(context: Context, actor: Actor, image_id: int, version_id: int, level: str = heat.FUSED) -> bytes:
    """Log-likelihoods of an image: height and width as 16-bit, then float32 rows, all little-endian.

    Raises:
        Refused: the version has not seen the image, or has no such level.
    """
    with context.database.read() as session:
        image_of(session, actor, image_id, Role.viewer)
        version = version_of(session, actor, version_id, Role.viewer)
        score = scores.score_of(session, version_id, image_id)
    if score is None:
        raise Refused(f"v{version.number} has not scored image {image_id} yet: wait for the worker")
    levels = heat.levels_of(version)
    if level not in levels:
        raise Refused(f"v{version.number} has no level {level!r}: choose {', '.join(levels)}")
    plane = heat.read_map(context, score.maps, level, levels)
    return struct.pack("<HH", *plane.shape) + plane.astype("<f4").tobytes()


def compared_version(context: Context, actor: Actor, project_slug: str, image_id: int) -> tuple[int, int] | None:
    """(id, number) of the version before the deciding one that has scored the image; None when there is none."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        deciding = versions.deciding_version(session, project.id)
        for version in versions.versions(session, project.id):
            earlier = deciding is not None and version.number < deciding.number
            if earlier and scores.score_of(session, version.id, image_id) is not None:
                return version.id, version.number
    return None


def is_blind(context: Context, actor: Actor, project_slug: str, image_id: int) -> bool:
    """Whether this person answers for this image before any heat is shown: a chosen share, by lot, always the same."""
    with context.database.read() as session:
        share = float(project_of(session, actor, project_slug, Role.viewer).settings.get(BLIND, 0.0))
    digest = hashlib.sha256(f"blind {actor.name} {image_id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56 < share


def blind_share(context: Context, actor: Actor, project_slug: str) -> float:
    """The share of images that are shown without heat until they are answered, 0 to 0.5."""
    with context.database.read() as session:
        return float(project_of(session, actor, project_slug, Role.viewer).settings.get(BLIND, 0.0))


def set_blind_share(context: Context, actor: Actor, project_slug: str, share: float) -> None:
    """Raises Refused for a share outside 0 to 0.5: more would take the aid away from the work itself."""
    if not 0 <= share <= MOST_BLIND:
        raise Refused(f"a blind share of {share:.0%} is not from 0 to {MOST_BLIND:.0%}: choose another")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        project.settings = {**project.settings, BLIND: share}
        audit.record(session, by=actor.name, action="blind share", details={"share": share}, project_id=project.id)


def _vector(descriptor: bytes) -> np.ndarray:
    return np.frombuffer(descriptor, dtype=np.float16).astype(np.float32)
