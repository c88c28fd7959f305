"""CVAT for images 1.1 (XML): masks as run lengths in their box; polygons and boxes are read as well."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from xml.parsers import expat

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.record import (
    DONT_CARE,
    UNTYPED,
    LabelRecord,
    from_runs,
    inside,
    joined,
    own_type,
    runs_of,
    sized,
    typed_of,
)
from storage.models import Verdict

SIGNS = {Verdict.normal: "normal", Verdict.unsure: "unsure"}


def write(records: list[LabelRecord]) -> bytes:
    """A CVAT file; a normal or doubtful image carries that as a tag, a defect the type that none of its masks has."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, record in enumerate(records):
        size = {"width": str(record.width), "height": str(record.height)}
        image = ET.SubElement(root, "image", {"id": str(number), "name": record.name, **size})
        kind = record.defect_type or UNTYPED
        if record.verdict is not Verdict.defect or kind not in dict(record.layers):
            ET.SubElement(image, "tag", label=SIGNS.get(record.verdict, kind), source="manual")
        for name, mask in record.layers:
            ET.SubElement(image, "mask", {"label": name, "source": "manual", "occluded": "0", **_runs(mask)})
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def read(data: bytes) -> Iterator[LabelRecord]:
    """Labels of a CVAT file; images that it says nothing of are left out.

    Raises:
        Refused: not a CVAT file, or one with a document type, which could name other files.
    """
    try:
        _require_plain(data)
        root = ET.fromstring(data)
        if root.tag != "annotations":
            raise ValueError(f"its root is <{root.tag}>")
        for image in root.iter("image"):
            if len(image):
                yield _record(image)
    except (ET.ParseError, expat.ExpatError, ValueError, KeyError, OverflowError, IndexError) as error:
        raise Refused(f"this is no “CVAT for images” file ({error}): export it in that format") from error


def _require_plain(data: bytes) -> None:
    """Raises Refused at a document type: it could name other files, or entities that grow without end.

    Asked of the parser itself, which knows every encoding that the bytes may be in.
    """

    def refuse(*_: object) -> None:
        raise Refused("this XML names a document type: export it from CVAT again, as “CVAT for images 1.1”")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(data, True)


def _runs(mask: np.ndarray) -> dict[str, str]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    box = {"left": left, "top": top, "width": part.shape[1], "height": part.shape[0]}
    runs = ", ".join(map(str, runs_of(part.ravel())))
    return {"rle": runs, "z_order": "0", **{name: str(value) for name, value in box.items()}}


def _record(image: ET.Element) -> LabelRecord:
    width, height = sized(int(image.attrib["width"]), int(image.attrib["height"]))
    shapes = [(child.attrib["label"], _mask(child, width, height)) for child in image if child.tag != "tag"]
    marked = [(name, mask) for name, mask in shapes if mask is not None]
    tags = [child.attrib["label"] for child in image if child.tag == "tag"]
    sign = next((verdict for verdict, name in SIGNS.items() if name in tags), Verdict.defect)
    names = [*tags, *(name for name, _ in marked)]  # a tag is a type that the masks do not tell
    own = own_type([name for name in names if name not in SIGNS.values()]) if sign is Verdict.defect else None
    return LabelRecord(
        image.attrib["name"],
        "",
        width,
        height,
        sign,
        own,
        joined([mask for name, mask in marked if name != DONT_CARE]),
        joined([mask for name, mask in marked if name == DONT_CARE]),
        typed_of(marked, own),
    )


def _mask(shape: ET.Element, width: int, height: int) -> np.ndarray | None:
    given = shape.attrib
    mask = np.zeros((height, width), dtype=bool)
    if shape.tag == "mask":
        left, top, wide, high = (int(given[name]) for name in ("left", "top", "width", "height"))
        if min(left, top, wide, high) < 0 or left + wide > width or top + high > height:
            raise ValueError(f"a mask of {wide}x{high} at {left},{top} lies outside its image of {width}x{height}")
        part = from_runs([int(run) for run in given["rle"].split(",")], wide * high)
        mask[top : top + high, left : left + wide] = part.reshape(high, wide)
        return mask
    if shape.tag == "box":
        x0, y0, x1, y1 = (float(given[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
        return inside(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), width, height)
    if shape.tag == "polygon":
        points = [[float(value) for value in pair.split(",")] for pair in given["points"].split(";")]
        return inside(np.array(points), width, height)
    return None
