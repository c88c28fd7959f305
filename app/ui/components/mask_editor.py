"""The mask editor: an image with its heatmap, the boundary's isolines, and a pixel-exact mask to draw."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from app.ui.components.registration import component

STAGE_HEIGHT = 470


@dataclass(frozen=True)
class Commit:
    """Masks as the browser sent them: PNGs of the image's size, white where marked.

    Commits count up by `rev` for each image and revision of its label (`base`). `ignore` is what nobody judges;
    `numbers` says which of the marked pixels are of which of the `types`, as `services.kinds.split` reads it.
    """

    image_id: int
    base: int
    rev: int
    png: bytes
    ignore: bytes | None = None
    numbers: bytes | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """What came from the browser with this run.

    Attributes:
        commit: masks, if some arrived.
        latest: the highest `rev` that the browser has sent.
        kind: the number key of a defect type, if one was pressed.
    """

    commit: Commit | None
    latest: int
    kind: int | None = None


@dataclass(frozen=True)
class Sight:
    """What is seen of an image besides its pixels; all of it empty before a version has seen it, or when it is blind.

    Attributes:
        heat_url: without its level, which the browser chooses among `levels`.
        compare: address and name of another version's heat.
        log_p_url, scale: the log-likelihoods that regions grow along, and median, b_n and b_a in their unit.
        reach: what one click grows to, once defects are known: `url` of the finest level's log-likelihoods, their
            `median` and `b_n`, and the `radius` in image pixels of a disc as large as a typical defect.
        isolines: polygons of `b_n` and `b_a`, each a flat list of x and y in image pixels.
        regions: [x, y, width, height] in image pixels, the most abnormal first.
    """

    heat_url: str | None = None
    compare: tuple[str, str] | None = None
    log_p_url: str | None = None
    scale: dict[str, float] | None = None
    reach: dict[str, Any] | None = None
    levels: list[str] = field(default_factory=list)
    isolines: dict[str, list[list[float]]] = field(default_factory=dict)
    regions: list[list[int]] = field(default_factory=list)


def mask_editor(
    *,
    key: str,
    image_id: int,
    base: int,
    image_url: str,
    width: int,
    height: int,
    mask: bytes | None,
    ignore: bytes | None,
    numbers: bytes | None,
    types: list[str],
    sight: Sight,
    ahead: list[str],
    ack_rev: int,
    stage_height: int = STAGE_HEIGHT,
) -> Drawn:
    """Draw the editor; returns what was drawn since the last run.

    Args:
        base: revision of the label that is edited; strokes kept by the browser belong to it.
        mask, ignore: the PNGs to start with, None for empty ones.
        numbers: which of the marked pixels are of another of the `types`; None where all are of the label's own.
        ahead: addresses that are asked for next, loaded while this image is looked at.
        ack_rev: the highest `rev` that was taken over; the browser sends later ones again.
    """
    data = {
        "imageId": image_id,
        "base": base,
        "imageUrl": image_url,
        "heatUrl": sight.heat_url,
        "compare": {"url": sight.compare[0], "name": sight.compare[1]} if sight.compare else None,
        "logpUrl": sight.log_p_url,
        "scale": sight.scale,
        "reach": sight.reach,
        "levels": sight.levels,
        "regions": sight.regions,
        "width": width,
        "height": height,
        "mask": _text(mask),
        "ignore": _text(ignore),
        "numbers": _text(numbers),
        "types": types,
        "isolines": sight.isolines,
        "ahead": ahead,
        "ackRev": ack_rev,
        "stageHeight": stage_height,
    }
    mount = component("mask_editor", "mask-editor.js")
    result = mount(
        key=key,
        data=data,
        on_commit_change=lambda: None,
        on_drawn_change=lambda: None,
        on_kind_change=lambda: None,
    )
    drawn = getattr(result, "drawn", None)
    latest = drawn[2] if isinstance(drawn, list) and len(drawn) == 3 and drawn[:2] == [image_id, base] else 0
    kind = getattr(result, "kind", None)
    return Drawn(
        parse(getattr(result, "commit", None)),
        latest if isinstance(latest, int) else 0,
        kind if isinstance(kind, int) else None,
    )


def parse(value: Any) -> Commit | None:
    """A trigger's value as a commit; what a browser makes up is no commit."""
    if not isinstance(value, dict):
        return None
    image_id, base, rev, png = (value.get(name) for name in ("imageId", "base", "rev", "png"))
    if not (isinstance(image_id, int) and isinstance(base, int) and isinstance(rev, int) and isinstance(png, str)):
        return None
    types = value.get("types") or []
    if not (isinstance(types, list) and all(isinstance(name, str) for name in types)):
        return None
    try:
        ignore, numbers = (_bytes(value.get(name)) for name in ("ignore", "numbers"))
        return Commit(image_id, base, rev, base64.b64decode(png, validate=True), ignore, numbers, tuple(types))
    except (binascii.Error, ValueError):
        return None


def _text(png: bytes | None) -> str | None:
    return base64.b64encode(png).decode() if png else None


def _bytes(text: Any) -> bytes | None:
    return base64.b64decode(text, validate=True) if isinstance(text, str) else None
