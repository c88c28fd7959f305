"""Label files made from what is true, some pieces of which are then broken: what is right is known without reading.

The files are written here by other code than the product's: run lengths by pycocotools, Label Studio's code by hand.
"""

import json
import random
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as cocos

SIZE = (50, 40)  # width, height: one pixel is 2 and 2.5 percent, which floats hold exactly
TYPES = ["scratch", "Scratch", "dent", "日本", "a/b", "Kratzer & Co <1>"]
NAMES = ["train/good/000.png", "test/scratch/000.png", "b/001.png", "café.png", "x y/002.png"]
Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass
class Item:
    """One region: a box or, where `mask` is not one, any pixels; `broken` names what is wrong with it in the file."""

    kind: str
    mask: np.ndarray
    box: Box | None
    broken: str = ""


@dataclass
class Part:
    """What is true of one image, and what the file does to it as a whole: `gone` says why nothing may come of it."""

    name: str
    items: list[Item] = field(default_factory=list)
    word: str | None = None
    gone: str = ""
    written: str = ""  # the name in the file

    @property
    def label(self) -> tuple[str, dict[str, bytes]] | None:
        """(verdict, pixels by type) that may be saved; None for no label."""
        read = [item for item in self.items if not item.broken]
        if self.gone or (not read and (self.word is None or self.items)):
            return None
        if self.word is not None:
            return self.word, {}
        found: dict[str, np.ndarray] = {}
        for item in read:
            found[item.kind] = found[item.kind] | item.mask if item.kind in found else item.mask
        return "defect", {kind: np.packbits(mask).tobytes() for kind, mask in found.items()}

    @property
    def lines(self) -> int:
        """How many things of it have to be named."""
        if self.gone == "size" and not self.items and self.word is None:
            return 0  # nothing is said of an image that is not this one
        return sum(bool(item.broken) for item in self.items) if not self.gone else 1


def region(rng: random.Random) -> Item:
    left, top = rng.randrange(SIZE[0] - 2), rng.randrange(SIZE[1] - 2)
    box = (left, top, rng.randrange(left + 1, SIZE[0]) + 1, rng.randrange(top + 1, SIZE[1]) + 1)
    mask = np.zeros(SIZE[::-1], dtype=bool)
    if rng.random() < 0.5:
        mask[box[1] : box[3], box[0] : box[2]] = True
        return Item(rng.choice(TYPES), mask, box)
    mask |= np.random.default_rng(rng.randrange(2**32)).random(SIZE[::-1]) < rng.choice([0.02, 0.5])
    mask[rng.randrange(SIZE[1]), rng.randrange(SIZE[0])] = True
    return Item(rng.choice(TYPES), mask, None)


def parts_of(rng: random.Random, words: dict[str, list[str]]) -> list[Part]:
    """Some of the images, each with what is said of it; `words` are those that the format has, by verdict."""
    found = []
    for name in rng.sample(NAMES, rng.randrange(1, len(NAMES) + 1)):
        part = Part(name, written=spelled(rng, name))
        if words and rng.random() < 0.3:
            part.word = rng.choice(list(words))
        elif rng.random() < 0.9:
            part.items = [region(rng) for _ in range(rng.randrange(1, 4))]
        found.append(part)
    return found


def spelled(rng: random.Random, name: str) -> str:
    """The name as some tool on some system writes it."""
    ways: list[Callable[[str], str]] = [
        str,
        str,
        lambda n: f"./{n}",
        lambda n: "C:\\data\\" + n.replace("/", "\\"),
        lambda n: unicodedata.normalize("NFD", n),
        lambda n: f"https://host/some/where/{n.replace(' ', '%20')}?token=1",
        lambda n: f"/mnt/disk/{n}",
    ]
    return rng.choice(ways)(name)


def spoil(rng: random.Random, parts: list[Part], items: list[str], wholes: list[str]) -> None:
    """Break a few regions and a few images, by names that the writer of the format knows."""
    for part in parts:
        if part.word is not None and rng.random() < 0.3:  # a word beside what cannot be read
            part.items = [region(rng)]
            part.items[0].broken = rng.choice(items)
        for item in part.items:
            if not item.broken and rng.random() < 0.25:
                item.broken = rng.choice(items)
        if rng.random() < 0.15:
            fitting = [why for why in wholes if why != "contradiction" or (part.word == "normal")]
            part.gone = rng.choice(fitting)


# --- COCO

COCO_ITEMS = [
    "null", "empty", "odd", "two corners", "nan", "outside", "garbage", "no counts", "turned size", "sum", "negative",
    "cut", "bytes", "no category", "null category", "strange category", "reserved with a region of NUL", "string",
]  # fmt: skip
COCO_WHOLES = ["unknown name", "no name", "number as name", "same id", "hash", "size", "bad verdict", "contradiction",
               "listed twice", "type that is no text"]  # fmt: skip


def coco(rng: random.Random) -> tuple[bytes, list[Part]]:
    parts = parts_of(rng, {"normal": [], "unsure": []})
    spoil(rng, parts, COCO_ITEMS, COCO_WHOLES)
    texts = rng.random() < 0.3  # some tools write numbers as texts, here and not there
    categories = {kind: number for number, kind in enumerate(TYPES, start=rng.randrange(3))}
    extra = {"null": 90, "nul": 91}
    images: list[dict[str, Any]] = []
    rows: list[Any] = []
    for number, part in enumerate(parts, start=rng.randrange(3)):
        image: dict[str, Any] = {"id": number, "file_name": part.written, "width": SIZE[0], "height": SIZE[1]}
        if part.word is not None:
            image["verdict"] = part.word
        for item in part.items:
            row = {"id": len(rows), "image_id": str(number) if texts else number, "iscrowd": 0}
            row |= {"category_id": categories[item.kind], "segmentation": _coco_shape(rng, item)}
            rows.append(_coco_broken(item, row, extra))
        images += _coco_image(part, image, rows, categories)
    rng.shuffle(rows)
    named = [{"id": str(n) if texts else n, "name": kind} for kind, n in categories.items()]
    named += [{"id": extra["null"], "name": None}, {"id": extra["nul"], "name": "a\0b"}]
    return json.dumps({"images": images, "annotations": rows, "categories": named, "info": {}}).encode(), parts


def _coco_shape(rng: random.Random, item: Item) -> Any:
    if item.box is not None and rng.random() < 0.6:
        left, top, right, bottom = item.box
        corners = [left, top, right, top, right, bottom, left, bottom]
        return [corners] if rng.random() < 0.9 else corners
    packed = cocos.encode(np.asfortranarray(item.mask.astype(np.uint8)))
    if rng.random() < 0.5:
        return {"size": list(packed["size"]), "counts": packed["counts"].decode()}
    flat, runs, value = item.mask.ravel(order="F"), [0], False
    for pixel in flat.tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return {"size": [SIZE[1], SIZE[0]], "counts": runs}


def _coco_broken(item: Item, row: dict[str, Any], extra: dict[str, int]) -> Any:
    height, width = SIZE[1], SIZE[0]
    packed = cocos.encode(np.asfortranarray(item.mask.astype(np.uint8)))["counts"].decode()
    shapes: dict[str, Any] = {
        "null": None, "empty": [], "odd": [[1, 2, 3, 4, 5, 6, 7]], "two corners": [[1, 1, 9, 9]],
        "nan": [[float("nan"), 1, 9, 1, 9, 9]], "outside": [[200, 200, 220, 200, 220, 220]], "garbage": {"a": [1]},
        "no counts": {"size": [height, width]}, "turned size": {"size": [width, height], "counts": packed},
        "sum": {"size": [height, width], "counts": [5, width * height]},
        "negative": {"size": [height, width], "counts": [-5, 10, width * height - 5]},
        "cut": {"size": [height, width], "counts": packed[: len(packed) // 2]},
        "bytes": {"size": [height, width], "counts": f"b'{packed}'"},
    }  # fmt: skip
    if item.broken in shapes:
        return {**row, "segmentation": shapes[item.broken]}
    strange = {"no category": 77, "null category": None, "strange category": [1]}
    if item.broken in strange:
        return {**row, "category_id": strange[item.broken]}
    if item.broken == "reserved with a region of NUL":
        return {**row, "category_id": extra["nul"]}
    return {**row, "segmentation": "nothing"} if item.broken == "string" else row


def _coco_image(part: Part, image: dict[str, Any], rows: list[Any], categories: dict[str, int]) -> list[dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {
        "unknown name": {"file_name": "nowhere/999.png"}, "no name": {"file_name": None},
        "number as name": {"file_name": 5}, "hash": {"sha256": "0" * 64}, "size": {"width": SIZE[0] + 1},
        "bad verdict": {"verdict": "fine"}, "type that is no text": {"defect_type": 5},
    }  # fmt: skip
    image = {**image, **changes.get(part.gone, {})}
    if part.gone == "contradiction":
        rows.append({"id": len(rows), "image_id": image["id"], "category_id": categories["dent"],
                     "segmentation": [[0, 0, 9, 0, 9, 9]]})  # fmt: skip
    if part.gone == "same id":
        return [image, {**image, "file_name": "nowhere/998.png"}]
    return [image, {**image, "id": 1000 + int(image["id"])}] if part.gone == "listed twice" else [image]


# --- CVAT

CVAT_ITEMS = ["sum", "outside", "empty", "float", "no label", "bad point", "polyline", "points", "skeleton", "cuboid",
              "negative", "two corners", "rle of words", "NUL"]  # fmt: skip
CVAT_WHOLES = ["unknown name", "no name", "size", "no size", "contradiction", "listed twice"]
CVAT_WORDS = {"normal": ["normal", "Good", "OK", "good "], "unsure": ["unsure", "Unsure"]}


def cvat(rng: random.Random) -> tuple[bytes, list[Part]]:
    parts = parts_of(rng, CVAT_WORDS)
    spoil(rng, parts, CVAT_ITEMS, CVAT_WHOLES)
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, part in enumerate(parts):
        size = {"width": str(SIZE[0] + (part.gone == "size")), "height": str(SIZE[1])}
        name = {"unknown name": "nowhere/999.png", "no name": ""}.get(part.gone, part.written)
        facts = {"id": str(number), "name": name, **({} if part.gone == "no size" else size)}
        for _ in range(1 + (part.gone == "listed twice")):
            image = ET.SubElement(root, "image", facts)
            if part.word is not None:
                ET.SubElement(image, "tag", label=rng.choice(CVAT_WORDS[part.word]))
            if part.gone == "contradiction":
                ET.SubElement(image, "box", label="dent", xtl="1", ytl="1", xbr="9", ybr="9")
            for item in part.items:
                _cvat_item(rng, image, item)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True), parts


def _cvat_item(rng: random.Random, image: ET.Element, item: Item) -> None:
    label = {"label": item.kind, "z_order": "0", "occluded": "0"}
    if item.broken in ("polyline", "points", "skeleton", "cuboid"):
        ET.SubElement(image, item.broken, {**label, "points": "1,1;5,5"})
    elif item.broken in ("bad point", "two corners"):
        points = {"bad point": "1,1;9,9;9", "two corners": "1,1;9,9"}[item.broken]
        ET.SubElement(image, "polygon", {**label, "points": points})
    elif item.box is not None and not item.broken and rng.random() < 0.7:
        left, top, right, bottom = item.box
        if rng.random() < 0.5:
            box = {"xtl": left, "ytl": top, "xbr": right, "ybr": bottom}
            shape = ET.SubElement(image, "box", {**label, **{key: f"{value}.00" for key, value in box.items()}})
            ET.SubElement(shape, "attribute", name="seen").text = "yes"
        else:
            points = f"{left},{top};{right},{top};{right},{bottom};{left},{bottom}"
            ET.SubElement(image, "polygon", {**label, "points": points})
    else:
        _cvat_mask(image, item, label)


def _cvat_mask(image: ET.Element, item: Item, label: dict[str, str]) -> None:
    rows, columns = np.flatnonzero(item.mask.any(axis=1)), np.flatnonzero(item.mask.any(axis=0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    runs: list[int] = [0]
    value = False
    for pixel in item.mask[top:bottom, left:right].ravel().tolist():
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    box = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    facts = {"rle": ", ".join(map(str, runs)), **{key: str(int(number)) for key, number in box.items()}}
    area = int((right - left) * (bottom - top))
    changes = {
        "sum": {"rle": str(area + 1)}, "outside": {"left": str(SIZE[0])}, "empty": {"rle": str(area)},
        "float": {"left": f"{left}.0"}, "negative": {"rle": f"-1, {area + 1}"}, "rle of words": {"rle": "a, b"},
    }  # fmt: skip
    given = {**label, **facts, **changes.get(item.broken, {})}
    if item.broken == "no label":
        del given["label"]
    if item.broken == "NUL":
        given["label"] = "x" * 81  # XML itself has no NUL; too long a name is as little a type
    ET.SubElement(image, "mask", given)


# --- Label Studio

STUDIO_ITEMS = ["rotated image", "other size", "cut", "no label", "empty label", "keypoint", "no size", "nan",
                "garbage", "nothing marked", "null value"]  # fmt: skip
STUDIO_WHOLES = ["unknown name", "no name", "cancelled", "contradiction", "listed twice", "hash", "size"]
STUDIO_WORDS = {"normal": ["normal", "Good", "ok"], "unsure": ["unsure"]}


def label_studio(rng: random.Random) -> tuple[bytes, list[Part]]:
    parts = parts_of(rng, STUDIO_WORDS)
    spoil(rng, parts, STUDIO_ITEMS, STUDIO_WHOLES)
    tasks = []
    for number, part in enumerate(parts):
        name = {"unknown name": "nowhere/999.png", "no name": None}.get(part.gone, part.written)
        data: dict[str, Any] = {"image": name, **({"sha256": "0" * 64} if part.gone == "hash" else {})}
        result: list[Any] = []
        size = (SIZE[0] + (part.gone == "size"), SIZE[1])
        if part.word is not None:
            result.append(_row(size, "choices", f"c{number}", {"choices": [rng.choice(STUDIO_WORDS[part.word])]}))
        if part.gone == "contradiction":
            box = {"x": 2, "y": 5, "width": 20, "height": 25, "rectanglelabels": ["dent"]}
            result.append(_row(size, "rectanglelabels", "z", box))
        for place, item in enumerate(part.items):
            result += _studio_item(rng, item, f"r{place}", size)
        rng.shuffle(result)
        tasks.append({"id": number, "data": data, "annotations": _annotations(rng, part, result)})
        if part.gone == "listed twice":
            tasks.append({**tasks[-1], "id": 1000 + number})
    return json.dumps(tasks).encode(), parts


def _annotations(rng: random.Random, part: Part, result: list[Any]) -> list[dict[str, Any]]:
    """The one that counts among others that do not."""
    right = {"id": 1, "result": result, "updated_at": "2026-11-02T10:00:00Z", "was_cancelled": part.gone == "cancelled"}
    box = {"x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["dent"]}
    wrong = [_row(SIZE, "rectanglelabels", "w", box)]
    others: list[dict[str, Any]] = []
    if rng.random() < 0.2:
        others.append({"id": 2, "result": wrong, "updated_at": "2026-11-03T10:00:00Z", "was_cancelled": True})
    if rng.random() < 0.2 and part.gone != "cancelled":
        others.append({"id": 3, "result": wrong, "updated_at": "2026-11-01T10:00:00Z"})
    if rng.random() < 0.1 and part.gone != "cancelled":
        right["ground_truth"] = True
        others.append({"id": 4, "result": wrong, "updated_at": "2026-11-04T10:00:00Z"})
    return rng.sample([right, *others], len(others) + 1)


def _row(size: tuple[int, int], kind: str, number: str, value: Any) -> dict[str, Any]:
    facts = {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
    return {**facts, "id": number, "from_name": "tag", "to_name": "image", "type": kind, "value": value}


def _studio_item(rng: random.Random, item: Item, number: str, size: tuple[int, int]) -> list[dict[str, Any]]:
    shape, value = "brush", {"format": "rle", "rle": brushed(rng, item.mask, size)}
    if item.box is not None and rng.random() < 0.6 and item.broken not in ("cut", "garbage"):
        left, top, right, bottom = item.box
        x, y, wide, high = left * 2, top * 2.5, (right - left) * 2, (bottom - top) * 2.5
        shape, value = "rectangle", {"x": x, "y": y, "width": wide, "height": high, "rotation": 0}
        if rng.random() < 0.4:
            points = [[x, y], [x + wide, y], [x + wide, y + high], [x, y + high]]
            shape, value = "polygon", {"points": points, "closed": True}
    kind = f"{shape}labels"
    row = _row(size, kind, number, {**value, kind: [item.kind]})
    if not item.broken:
        if rng.random() < 0.3:  # a shape and its labels apart
            return [_row(size, shape, number, value), _row(size, "labels", number, {**value, "labels": [item.kind]})]
        return [row]
    changes: dict[str, dict[str, Any]] = {
        "rotated image": {"image_rotation": 90}, "null value": {"value": None},
        "no label": {"value": value}, "empty label": {"value": {**value, kind: []}},
        "keypoint": {"type": "keypointlabels", "value": {"x": 1, "y": 1, "width": 1, "keypointlabels": [item.kind]}},
        "nan": {"type": "polygonlabels",
                "value": {"points": [[float("nan"), 1], [9, 1], [9, 9]], "polygonlabels": [item.kind]}},
        "nothing marked": {"type": "polygonlabels",
                           "value": {"points": [[-9, -9], [-1, -9], [-1, -1]], "polygonlabels": [item.kind]}},
    }  # fmt: skip
    if item.broken == "no size":
        del row["original_width"]
    elif item.broken in ("cut", "other size", "garbage"):
        code = value.get("rle") or brushed(rng, item.mask, size)
        bad = {"cut": code[: len(code) // 2], "other size": brushed(rng, item.mask[:-1], size), "garbage": ["x", 300]}
        row = _row(size, "brushlabels", number, {"format": "rle", "rle": bad[item.broken], "brushlabels": [item.kind]})
    return [{**row, **changes.get(item.broken, {})}]


def brushed(rng: random.Random, mask: np.ndarray, size: tuple[int, int]) -> list[int]:
    """Label Studio's code of a mask, in packets of single bytes and in runs; a pixel's three colours are anything."""
    if mask.shape[1] != size[0]:
        mask = np.pad(mask, ((0, 0), (0, size[0] - mask.shape[1])))
    pixels = np.zeros((mask.size, 4), np.uint8)
    pixels[:, 3] = np.where(mask.ravel(), rng.choice([255, 200]), rng.choice([0, 0, 90]))
    pixels[:, :3] = rng.choice([0, 255])
    flat = pixels.ravel().tolist()
    bits = [f"{len(flat):032b}", f"{7:05b}", *(f"{bits - 1:04b}" for bits in (3, 4, 8, 16))]
    at = 0
    while at < len(flat):
        if rng.random() < 0.5:
            count = min(len(flat) - at, rng.randrange(1, 2**8))
            bits.append("0" + "10" + f"{count - 1:08b}" + "".join(f"{byte:08b}" for byte in flat[at : at + count]))
        else:
            count = 1
            while at + count < len(flat) and flat[at + count] == flat[at] and count < 2**16:
                count += 1
            bits.append("1" + "11" + f"{count - 1:016b}" + f"{flat[at]:08b}")
        at += count
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


FORMATS = {"coco": coco, "cvat": cvat, "labelstudio": label_studio}
