"""CVAT for images 1.1 (XML): masks as run lengths in their box; polygons and boxes are read as well."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from xml.parsers import expat

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.raster import corners, ellipse, from_runs, inside, runs_of, turned
from app.services.label_formats.record import LabelRecord, Marks, Remark, Unread, sized
from storage.models import Verdict
from storage.type_names import UNSURE, UNTYPED

SIGNS = {Verdict.normal: "normal", Verdict.unsure: UNSURE}
SHAPES = ("mask", "box", "polygon", "ellipse")
SILENT = ("attribute",)  # what a tool of the annotators' own wrote beside a shape


def write(records: list[LabelRecord]) -> bytes:
    """A CVAT file; a normal or doubtful image carries that as a tag, a defect the type that none of its masks has."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    for number, record in enumerate(records):
        size = {"width": str(record.width), "height": str(record.height)}
        image = ET.SubElement(root, "image", {"id": str(number), "name": record.name, **size})
        assert record.verdict is not None
        kind, names = record.defect_type or UNTYPED, [name for name, _ in record.layers]
        if record.verdict is not Verdict.defect or kind not in names or len(record.typed) > 1:
            ET.SubElement(image, "tag", label=SIGNS.get(record.verdict, kind), source="manual")
        for name, mask in record.layers:
            ET.SubElement(image, "mask", {"label": name, "source": "manual", "occluded": "0", **_runs(mask)})
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def read(data: bytes) -> Iterator[LabelRecord | Remark]:
    """Labels of a CVAT file, an image at a time.

    Raises:
        Refused: not a file of images, or one with a document type, which could name other files.
    """
    try:
        _require_plain(data)
        root = ET.fromstring(data)
    except (ET.ParseError, expat.ExpatError, ValueError, OverflowError) as error:
        raise Refused(f"this is no “CVAT for images” file ({error}): export it in that format") from error
    if root.tag != "annotations":
        raise Refused(f"this is no “CVAT for images” file (its root is <{root.tag}>): export it in that format")
    if root.find("track") is not None:
        raise Refused("this file has the tracks of a video, which are not read: export it as “CVAT for images 1.1”")
    for image in root.iter("image"):
        yield from _image(image)


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


def _image(image: ET.Element) -> Iterator[LabelRecord | Remark]:
    name = image.attrib.get("name", "")
    if not name:
        yield Remark("", f"image {image.attrib.get('id', '?')}", "has no name")
        return
    marks, record = Marks(name), None
    with marks.item(""):
        width, height = sized(int(image.attrib["width"]), int(image.attrib["height"]))
        for place, child in enumerate((each for each in image if each.tag not in SILENT), start=1):
            with marks.item(f"{child.tag} no. {place} ({child.attrib.get('label', 'without a label')})"):
                if child.tag == "tag":
                    marks.tag(child.attrib["label"])
                else:
                    mask = _mask(child, width, height)
                    marks.mark(child.attrib["label"], mask, height=int(child.attrib.get("z_order", 0)))
        record = marks.record("", width, height)
    yield from marks.remarks
    yield record or marks.lost()


def _mask(shape: ET.Element, width: int, height: int) -> np.ndarray:
    given = shape.attrib
    if shape.tag not in SHAPES:
        raise Unread(f"is a {shape.tag}, which is not read: {', '.join(SHAPES)} and tag are")
    if shape.tag == "mask":
        left, top, wide, high = (int(given[name]) for name in ("left", "top", "width", "height"))
        if min(left, top) < 0 or min(wide, high) < 1 or left + wide > width or top + high > height:
            raise Unread(f"is a mask of {wide}x{high} at {left},{top}, outside its image of {width}x{height}")
        mask = np.zeros((height, width), dtype=bool)
        part = from_runs([int(run) for run in given["rle"].split(",")], wide * high)
        mask[top : top + high, left : left + wide] = part.reshape(high, wide)
        return mask
    degrees = float(given.get("rotation", 0))
    if shape.tag == "box":
        x0, y0, x1, y1 = (float(given[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
        return inside(turned(corners(x0, y0, x1, y1), ((x0 + x1) / 2, (y0 + y1) / 2), degrees), width, height)
    if shape.tag == "ellipse":
        x, y, across, along = (float(given[name]) for name in ("cx", "cy", "rx", "ry"))
        return ellipse((x, y), (across, along), degrees, width, height)
    points = [[float(value) for value in pair.split(",")] for pair in given["points"].split(";")]
    return inside(np.array(points), width, height)
