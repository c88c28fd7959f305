"""`make bench-ink`: from the pointer to the ink on an image of 4 megapixels, in a real browser.

The built editor is put on an empty page with a photograph of 2048 x 2048, and a mouse draws strokes over it, one move
every 16 ms. Chromium's own trace says how long each of our handlers and each animation frame of ours took; what must
fit into a frame of 16.7 ms is the sum of both between two frames. The last line is JSON, in milliseconds.
"""

import argparse
import functools
import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Page

from tests.journeys.editor import Hand
from tests.journeys.product import browser

ASSETS = Path(__file__).resolve().parents[1] / "app" / "ui" / "components" / "assets"
FRAME_MS = 1000 / 60
RADII = (8, 26, 128)  # of the brush, in image pixels: 26 is where it starts on an image of this size
MOVES = 40  # of one stroke
HANDLERS = ("pointermove", "mousemove", "pointerrawupdate")
PAGE = """<!doctype html><body style="margin:0"><div id="host"></div><script type="module">
import render from "./mask-editor.js"
const data = {imageId: 1, base: 0, imageUrl: "photograph.jpg", heatUrl: null, compare: null, levels: ["fused"],
  regions: [], width: SIDE, height: SIDE, mask: null, ignore: null, isolines: {}, ahead: [], ackRev: 0,
  stageHeight: 640, logpUrl: null, scale: null, reach: null}
const host = {data, parentElement: document.getElementById("host"), setStateValue: () => {}}
host.setTriggerValue = (name, value) => { if (name === "commit") { data.ackRev = value.rev; render(host) } }
render(host)
</script>"""


@contextmanager
def served(side: int) -> Iterator[str]:
    """The address of a page with nothing but the editor, while the block lasts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for asset in ASSETS.glob("*.js"):
            (folder / asset.name).write_bytes(asset.read_bytes())
        noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "photograph.jpg"), noise)
        (folder / "index.html").write_text(PAGE.replace("SIDE", str(side)), encoding="utf-8")
        handler = functools.partial(_Quiet, directory=name)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/index.html"
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the output is the table."""


def drawn(page: Page, hand: Hand, radius: int, strokes: int) -> None:
    """Zigzags of a brush over the photograph, a move every 16 ms and more."""
    hand.choose("brush")
    hand.brush_size(radius)
    box = hand.stage.bounding_box()
    assert box is not None
    for stroke in range(strokes):
        top = box["y"] + 60 + 12 * stroke
        page.mouse.move(box["x"] + 420, top)
        page.mouse.down()
        for step in range(1, MOVES + 1):
            page.mouse.move(box["x"] + 420 + 5 * step, top + (80 if step % 2 else 0))
            page.wait_for_timeout(16)
        page.mouse.up()
        hand.handed_over()


def frames(trace: bytes) -> list[float]:
    """Our own work of each frame in which a pointer moved, in milliseconds: its handlers and its animation frame."""
    events = [event for event in json.loads(trace)["traceEvents"] if event.get("ph") == "X"]
    events.sort(key=lambda event: event["ts"])
    work, moved, found = 0.0, False, []
    for event in events:
        kind = event.get("args", {}).get("data", {}).get("type", "")
        if event["name"] == "EventDispatch" and kind in HANDLERS:
            work += event["dur"] / 1000
            moved = True
        elif event["name"] == "FireAnimationFrame":
            if moved:
                found.append(work + event["dur"] / 1000)
            work, moved = 0.0, False
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=2048, help="pixels of the photograph's side")
    parser.add_argument("--strokes", type=int, default=10)
    given = parser.parse_args()
    result: dict[str, float] = {}
    columns = ("radius", "frames", "median", "p95", "largest")
    print(*(f"{name:>8}" for name in columns), f"  ms of own work, of {FRAME_MS:.1f} a frame")
    with served(given.side) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1366, "height": 768})
        page.goto(url)
        hand = Hand(page)
        hand.ready(1)
        for radius in RADII:
            chromium.start_tracing(page=page, categories=["devtools.timeline"])
            drawn(page, hand, radius, given.strokes)
            found = np.array(frames(chromium.stop_tracing()))
            median, p95 = np.percentile(found, [50, 95])
            print(f"{radius:8} {len(found):8} {median:8.2f} {p95:8.2f} {found.max():8.2f}")
            result[f"ink_p95_ms_radius_{radius}"] = round(float(p95), 2)
    print(json.dumps({"ink_p95_ms": max(result.values()), **result}))


if __name__ == "__main__":
    main()
