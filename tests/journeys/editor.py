"""A hand on the mask editor: it draws with the mouse in image pixels, and NumPy says what must have come of it."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from playwright.sync_api import Page, expect

from tests.patience import wait_for

Corner = tuple[float, float]

WHEEL = 0.0015  # a step of the wheel zooms by exp(WHEEL * step)
PLACE = """stage => {
  const box = stage.getBoundingClientRect()
  return [box.left + stage.clientLeft + Number(stage.dataset.x), box.top + stage.clientTop + Number(stage.dataset.y),
          Number(stage.dataset.scale)]
}"""
RESTING = f"""async stage => {{
  const place = {PLACE}
  const frame = () => new Promise(requestAnimationFrame)
  const before = place(stage)
  await frame(), await frame()
  const after = place(stage)
  return after.every((value, i) => value === before[i]) ? after : null
}}"""
TOASTS = """() => [...document.querySelectorAll('[data-testid="stToast"]')]
  .map(toast => toast.innerText).findLast(words => words.includes("Saved"))"""


class Hand:
    """Draws on the label page. Every method that draws returns the corners that the mouse truly reached.

    The mouse moves in whole screen pixels, so a corner is first rounded to one; what it then means in image pixels
    follows from where the stage lies and how it is zoomed, which the stage tells.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stage = page.locator(".stage")

    def open(self, url: str, project: str, image_id: int) -> None:
        self.page.goto(f"{url}/label?project={project}&image={image_id}")
        self.ready(image_id)

    def ready(self, image_id: int) -> None:
        """Wait until the stage shows this image with its mask."""
        expect(self.page.locator(f'.stage[data-image="{image_id}"][data-ready="true"]')).to_be_visible()

    def another_than(self, image_id: int) -> int:
        """Wait until the stage shows another image than this with its mask; which one."""
        expect(self.page.locator(f'.stage[data-ready="true"]:not([data-image="{image_id}"])')).to_be_visible()
        return self.shown()

    def shown(self) -> int:
        return int(self.stage.get_attribute("data-image") or 0)

    def choose(self, tool: str) -> None:
        self.page.locator(f'.bar [data-tool="{tool}"]').click()

    def brush_size(self, radius: int) -> None:
        self.page.get_by_label("Brush size in pixels").fill(str(radius))

    def line(self, corners: Sequence[Corner]) -> list[Corner]:
        """Press at the first corner, drag over the others, let go: a stroke, or a box."""
        reached, screen = self._screen(corners)
        self.page.mouse.move(*screen[0])
        self.page.mouse.down()
        for x, y in screen[1:]:
            self.page.mouse.move(x, y)
        self.page.mouse.up()
        return reached

    def finger(self, corners: Sequence[Corner]) -> list[Corner]:
        """Draw a line with a finger."""
        reached, screen = self._screen(corners)
        self.touches([screen[0]], *([place] for place in screen[1:]), [])
        return reached

    def pinch(self, before: Sequence[Corner], after: Sequence[Corner]) -> None:
        """Put one finger down, move it a little, put a second one down, and move both to other places."""
        (first, second), ends = self._screen(before)[1], self._screen(after)[1]
        self.touches([(first[0] - 40, first[1])], [first], [first, second], [ends[0], second], ends, ends[:1], [])

    def touches(self, *moments: Sequence[tuple[int, int]]) -> None:
        """The fingers on the screen, moment by moment, in screen pixels; the last moment is without any."""
        session, count = self.page.context.new_cdp_session(self.page), 0
        for fingers in moments:
            kind = "touchMove" if len(fingers) == count else "touchStart" if len(fingers) > count else "touchEnd"
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            count = len(fingers)

    def clicks(self, corners: Sequence[Corner]) -> list[Corner]:
        """Click the corners one by one."""
        reached, screen = self._screen(corners)
        for x, y in screen:
            self.page.mouse.click(x, y)
        return reached

    def polygon(self, corners: Sequence[Corner]) -> list[Corner]:
        reached = self.clicks(corners)
        self.page.keyboard.press("Enter")
        return reached

    def wheel(self, at: Corner, delta: float) -> None:
        """Zoom at a place of the image; a negative `delta` comes nearer."""
        before = self.stage.get_attribute("data-scale")
        self.page.mouse.move(*self._screen([at])[1][0])
        self.page.mouse.wheel(0, delta)
        expect(self.stage).not_to_have_attribute("data-scale", before or "")

    def look_at(self, centre: Corner, extent: float) -> None:
        """Zoom with the wheel and drag with the middle button until `extent` pixels around a place fill the stage."""
        height, width = self.stage.evaluate("stage => [stage.clientHeight, stage.clientWidth]")
        factor = min(height, width) / extent / self.scale()
        if factor > 1:
            self.wheel(centre, -math.log(factor) / WHEEL)
        (x, y), box = self._screen([centre])[1][0], self.stage.bounding_box()
        assert box is not None
        self.page.mouse.move(x, y)
        self.page.mouse.down(button="middle")
        self.page.mouse.move(round(box["x"] + width / 2), round(box["y"] + height / 2))
        self.page.mouse.up(button="middle")

    def scale(self) -> float:
        """Screen pixels per image pixel."""
        return float(self.stage.evaluate(PLACE)[2])

    def handed_over(self) -> None:
        """Wait until the server has what was drawn."""
        expect(self.stage).to_have_attribute("data-pending", "false")

    def say(self, verdict: str) -> str:
        """Press a verdict's button and wait until the page confirms it; what the page said."""
        self.page.get_by_role("button", name=verdict).click()
        words = lambda: self.page.evaluate(TOASTS)  # noqa: E731  (read at once: a toast is gone after seconds)
        return wait_for(words, what="the page to confirm the verdict")

    def name_type(self, name: str) -> None:
        """Choose the defect's type, new or known."""
        field = self.page.get_by_role("combobox", name="Type of the defect")
        field.click()
        field.fill(name)
        self.page.keyboard.press("Enter")
        expect(field).to_have_value(re.compile(rf"(\d  )?{re.escape(name)}"))  # a known one shows its number key

    def _screen(self, corners: Sequence[Corner]) -> tuple[list[Corner], list[tuple[int, int]]]:
        left, top, scale = self._place()
        screen = [(round(left + x * scale), round(top + y * scale)) for x, y in corners]
        return [((x - left) / scale, (y - top) / scale) for x, y in screen], screen

    def _place(self) -> list[float]:
        """Where the stage lies, once it has come to rest: what stands above it may still be opening or closing."""
        found = lambda: self.stage.evaluate(RESTING)  # noqa: E731
        place: list[float] = wait_for(found, what="the stage to come to rest")
        return place


def painted(shape: tuple[int, int], corners: Sequence[Corner], radius: float) -> np.ndarray:
    """Every pixel whose centre is at most `radius` from the line through the corners, bool (H, W)."""
    x, y = _centres(shape)
    near = np.zeros(shape, dtype=bool)
    for (ax, ay), (bx, by) in pairwise(corners):
        along = np.array([bx - ax, by - ay])
        length = float(along @ along) or 1.0
        t = np.clip(((x - ax) * along[0] + (y - ay) * along[1]) / length, 0, 1)
        near |= np.hypot(x - ax - t * along[0], y - ay - t * along[1]) <= radius
    return near


def filled(shape: tuple[int, int], corners: Sequence[Corner]) -> np.ndarray:
    """Every pixel whose centre lies inside the closed polygon, even-odd, by rays that run down: bool (H, W)."""
    x, y = _centres(shape)
    odd = np.zeros(shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if ax == bx:
            continue
        spans = (ax <= x) != (bx <= x)
        odd ^= spans & (ay + (x - ax) * (by - ay) / (bx - ax) > y)
    return odd


def boxed(shape: tuple[int, int], corners: Sequence[Corner]) -> np.ndarray:
    """Every pixel whose centre lies in the box of the first and the last corner, bool (H, W)."""
    x, y = _centres(shape)
    (ax, ay), (bx, by) = corners[0], corners[-1]
    return (min(ax, bx) <= x) & (x < max(ax, bx)) & (min(ay, by) <= y) & (y < max(ay, by))


def _centres(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return x + 0.5, y + 0.5
