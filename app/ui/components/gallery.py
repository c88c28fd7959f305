"""The ranked pool as lazy tiles: two hundred of them are a few kilobytes of text and no image bytes."""

from collections.abc import Sequence
from typing import Any

from app.services.mixing import WORDS
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
    result = _mount(key, items, version_id, show_heat, selected=selected, compact=compact)
    opened = getattr(result, "open", None)
    return opened if isinstance(opened, int) else None


def choosing_gallery(
    *, key: str, items: Sequence[QueueItem], version_id: int | None, show_heat: bool
) -> tuple[int | None, list[int]]:
    """Tiles with boxes to tick on what has no label; (the image that was opened, those that are ticked)."""
    result = _mount(key, items, version_id, show_heat, choosable=True)
    opened, chosen = getattr(result, "open", None), getattr(result, "chosen", None)
    shown = {item.image_id for item in items if item.verdict is None}
    ticked = [each for each in chosen if each in shown] if isinstance(chosen, list) else []
    return opened if isinstance(opened, int) else None, ticked


def _mount(
    key: str,
    items: Sequence[QueueItem],
    version_id: int | None,
    show_heat: bool,
    *,
    selected: int | None = None,
    compact: bool = False,
    choosable: bool = False,
) -> Any:
    data = {
        "items": [row_of(item) for item in items],
        "heat": show_heat,
        "version": version_id,
        "selected": selected,
        "compact": compact,
        "choosable": choosable,
    }
    mount = component("gallery", "gallery.js")
    return mount(key=key, data=data, on_open_change=lambda: None, on_chosen_change=lambda: None)


def row_of(item: QueueItem) -> Row:
    """An item as the browser takes it: an array, because keys would be repeated two hundred times."""
    score = None if item.score is None else round(100 * item.score)
    standing = item.standing.value if item.standing else None
    verdict = item.verdict.value if item.verdict else None
    purpose = WORDS[item.purpose] if item.purpose else None
    return [item.image_id, item.name.rsplit("/", 1)[-1], score, standing, verdict, int(item.held_out), purpose]
