"""The mask editor: an image with its heatmap, the boundary's isolines, and a pixel-exact mask to draw."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from app.ui.components.registration import component

STAGE_HEIGHT = 470


@dataclass(frozen=True)
class Commit:
    """A mask as the browser sent it: a PNG of the image's size, white where abnormal.

    Commits count up by `rev` for each image and revision of its label (`base`).
    """

    image_id: int
    base: int
    rev: int
    png: bytes


@dataclass(frozen=True)
class Drawn:
    """What came from the browser: a mask, if one arrived with this run, and the highest `rev` that it has sent."""

    commit: Commit | None
    latest: int


def mask_editor(
    *,
    key: str,
    image_id: int,
    base: int,
    image_url: str,
    heat_url: str | None,
    width: int,
    height: int,
    mask_png: str | None,
    isolines: dict[str, list[list[float]]],
    opacity: float,
    ack_rev: int,
    stage_height: int = STAGE_HEIGHT,
) -> Drawn:
    """Draw the editor; returns what was drawn since the last run.

    Args:
        base: revision of the label that is edited; strokes kept by the browser belong to it.
        mask_png: the mask to start with, base64, None for an empty one.
        isolines: polygons of `b_n` and `b_a`, each a flat list of x and y in image pixels.
        opacity: of the heatmap, 0 to 1.
        ack_rev: the highest `rev` that was taken over; the browser sends later ones again.
    """
    data = {
        "imageId": image_id,
        "base": base,
        "imageUrl": image_url,
        "heatUrl": heat_url,
        "width": width,
        "height": height,
        "mask": mask_png,
        "isolines": isolines,
        "opacity": opacity,
        "ackRev": ack_rev,
        "stageHeight": stage_height,
    }
    mount = component("mask_editor", "mask-editor.js")
    result = mount(key=key, data=data, on_commit_change=lambda: None, on_drawn_change=lambda: None)
    drawn = getattr(result, "drawn", None)
    latest = drawn[2] if isinstance(drawn, list) and len(drawn) == 3 and drawn[:2] == [image_id, base] else 0
    return Drawn(parse(getattr(result, "commit", None)), latest if isinstance(latest, int) else 0)


def parse(value: Any) -> Commit | None:
    """A trigger's value as a commit; what a browser makes up is no commit."""
    if not isinstance(value, dict):
        return None
    image_id, base, rev, png = (value.get(name) for name in ("imageId", "base", "rev", "png"))
    if not (isinstance(image_id, int) and isinstance(base, int) and isinstance(rev, int) and isinstance(png, str)):
        return None
    try:
        return Commit(image_id, base, rev, base64.b64decode(png, validate=True))
    except (binascii.Error, ValueError):
        return None
