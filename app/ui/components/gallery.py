"""The ranked pool as lazy tiles: two hundred of them are a few kilobytes of text and no image bytes."""

from collections.abc import Sequence
from typing import Any

from app.services.mixing import Purpose, purpose_words
from app.services.rule import Rule
from app.services.score import QueueItem
from app.ui.components.registration import component
from storage.models import Standing

Row = list[Any]
STANDINGS = (Standing.normal, Standing.margin, Standing.defect)  # in the order of gallery.ts


def gallery(
    *,
    key: str,
    items: Sequence[QueueItem],
    rule: Rule,
    version_id: int | None,
    show_heat: bool,
    selected: int | None = None,
    compact: bool = False,
) -> int | None:
    """Draw the tiles; returns the id of the image that was opened by a click or Enter, if any.

    Args:
        rule: what decides, which names where a part stands.
        version_id: whose heatmaps lie over the thumbnails when `show_heat`.
        compact: one row of small tiles, for the film strip below an image.
    """
    result = _mount(key, items, rule, version_id, show_heat, selected=selected, compact=compact)
    opened = getattr(result, "open", None)
    return opened if isinstance(opened, int) else None


def choosing_gallery(
    *, key: str, items: Sequence[QueueItem], rule: Rule, version_id: int | None, show_heat: bool
) -> tuple[int | None, list[int]]:
    """Tiles with boxes to tick on what has no label; (the image that was opened, those that are ticked)."""
    result = _mount(key, items, rule, version_id, show_heat, choosable=True)
    opened, chosen = getattr(result, "open", None), getattr(result, "chosen", None)
    shown = {item.image_id for item in items if item.verdict is None}
    ticked = [each for each in chosen if each in shown] if isinstance(chosen, list) else []
    return opened if isinstance(opened, int) else None, ticked


def _mount(
    key: str,
    items: Sequence[QueueItem],
    rule: Rule,
    version_id: int | None,
    show_heat: bool,
    *,
    selected: int | None = None,
    compact: bool = False,
    choosable: bool = False,
) -> Any:
    purposes = sorted({item.purpose for item in items if item.purpose})
    data = {
        "items": [row_of(item, purposes) for item in items],
        "purposes": [purpose_words(rule)[purpose] for purpose in purposes],
        "places": ["normal", *(rule.standing_words(standing) for standing in STANDINGS[1:])],
        "heat": show_heat,
        "version": version_id,
        "selected": selected,
        "compact": compact,
        "choosable": choosable,
    }
    mount = component("gallery", "gallery.js")
    return mount(key=key, data=data, on_open_change=lambda: None, on_chosen_change=lambda: None)


def row_of(item: QueueItem, purposes: Sequence[Purpose]) -> Row:
    """An item as the browser takes it: numbers in an array, because words would be repeated two hundred times.

    What is nothing at the end is left out: most tiles have neither a verdict nor are held out.
    """
    score = None if item.score is None else round(100 * item.score)
    standing = STANDINGS.index(item.standing) if item.standing else None
    purpose = purposes.index(item.purpose) if item.purpose else None
    verdict = item.verdict.value if item.verdict else None
    row = [item.image_id, item.name.rsplit("/", 1)[-1], score, standing, purpose, verdict, int(item.held_out)]
    return row if item.held_out else row[:6] if verdict else row[:5]
