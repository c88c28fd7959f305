"""The ranked pool as lazy tiles: two hundred of them are a few kilobytes of text and no image bytes."""

from collections.abc import Sequence
from typing import Any

from app.services.score import QueueItem
from app.ui.components.registration import component

Row = list[Any]


def gallery(
    *,
    key: str,
    items: Sequence[QueueItem],
    version_id: int | None,
    show_heat: bool,
    selected: int | None = None,
    compact: bool = False,
) -> int | None:
    """Draw the tiles; returns the id of the image that was opened by a click or Enter, if any.

    Args:
        version_id: whose heatmaps lie over the thumbnails when `show_heat`.
        compact: one row of small tiles, for the film strip below an image.
    """
    data = {
        "items": [row_of(item) for item in items],
        "heat": show_heat,
        "version": version_id,
        "selected": selected,
        "compact": compact,
    }
    opened = getattr(component("gallery", "gallery.js")(key=key, data=data, on_open_change=lambda: None), "open", None)
    return opened if isinstance(opened, int) else None


def row_of(item: QueueItem) -> Row:
    """An item as the browser takes it: an array, because keys would be repeated two hundred times."""
    score = None if item.score is None else round(100 * item.score)
    standing = item.standing.value if item.standing else None
    verdict = item.verdict.value if item.verdict else None
    return [item.image_id, item.name.rsplit("/", 1)[-1], score, standing, verdict, int(item.held_out)]
