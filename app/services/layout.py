"""What an entry is by its place: MVTec AD's tree says what is normal, what is held out, and where the masks are."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from app.services.errors import Refused
from app.services.guard import guard
from app.services.label_formats.folders import type_of
from app.services.label_formats.mvtec import IGNORE, MASK, TYPES
from app.services.label_formats.record import LabelRecord, joined
from app.services.pictures import BadPicture
from app.services.sources import Entry
from storage.errors import BadName
from storage.models import Verdict
from storage.type_names import NORMAL_WORDS, UNSURE, UNTYPED, folded, type_name

IMAGE_KINDS = "PNG, JPEG, BMP, TIFF, WEBP"
NOT_AN_IMAGE = f"is not an image: {IMAGE_KINDS} are read"
MARKED = re.compile(r"[_-](mask|gt)([_-]?\d+)?$", re.IGNORECASE)  # what tools put behind the name of an image
LAYERS = (MASK, IGNORE, TYPES)
Parts = tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """An image to bring in, with what its place says of it.

    Attributes:
        masks, ignore: files that mark its defect, and what nobody judges; several are one mask.
        typed: (type, file) where single types have masks of their own.
    """

    entry: Entry
    verdict: Verdict | None = None
    defect_type: str | None = None
    held_out: bool = False
    masks: tuple[Entry, ...] = ()
    ignore: tuple[Entry, ...] = ()
    typed: tuple[tuple[str, Entry], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken, and why."""

    name: str
    reason: str


def arrange(entries: Iterable[Entry], content: str) -> tuple[list[Candidate], list[Refusal]]:
    """Sort entries into candidates and refusals.

    Args:
        entries: the files of one source.
        content: "normal" (every image is a normal part), "unknown" (no labels), or "auto": an MVTec tree brings its
            labels, anything else comes unlabelled.

    Raises:
        Refused: several MVTec categories at once; a project is one product.
    """
    entries = list(entries)
    roots = _roots(entries) if content == "auto" else set()
    if len(roots) > 1:
        names = ", ".join(sorted("/".join(root) or "." for root in roots)[:4])
        raise Refused(f"the source holds {len(roots)} categories ({names}, ...): ingest each into a project of its own")
    if roots:
        return _tree(entries, roots.pop())
    verdict = Verdict.normal if content == "normal" else None
    candidates = [Candidate(entry, verdict) for entry in entries if entry.is_image]
    return candidates, [Refusal(entry.name, NOT_AN_IMAGE) for entry in entries if not entry.is_image]


def label_of(candidate: Candidate, *, sha256: str, width: int, height: int) -> tuple[LabelRecord, list[Refusal]]:
    """The label that an image's place and masks say, and the masks that do not fit; unread where no mask fits."""
    refusals: list[Refusal] = []
    of = "/".join(candidate.entry.parts[-2:])

    def read(mask: Entry) -> np.ndarray | None:
        try:
            return guard().mask(mask.read(), width=width, height=height, of=of)
        except BadPicture as bad:
            refusals.append(Refusal(mask.name, str(bad)))
            return None

    def union(files: Iterable[Entry]) -> np.ndarray | None:
        return joined(mask for file in files if (mask := read(file)) is not None)

    typed = {name: mask for name, file in candidate.typed if (mask := read(file)) is not None}
    mask, ignore = union(candidate.masks), union(candidate.ignore)
    unread = bool(refusals) and mask is None and not typed
    name, verdict, kind = candidate.entry.name, candidate.verdict, candidate.defect_type
    return LabelRecord(name, sha256, width, height, verdict, kind, mask, ignore, typed, unread), refusals


def _roots(entries: list[Entry]) -> set[Parts]:
    """Folders that hold train/good, or test/ beside ground_truth/."""
    found, tests, truths = set(), set(), set()
    for entry in entries:
        parts = entry.parts
        for i in range(len(parts) - 2):
            root, top = parts[:i], folded(parts[i])
            if top == "train" and folded(parts[i + 1]) in NORMAL_WORDS:
                found.add(root)
            elif top == "test":
                tests.add(root)
            elif top == MASK:
                truths.add(root)
    return found | (tests & truths)


def _tree(entries: list[Entry], root: Parts) -> tuple[list[Candidate], list[Refusal]]:
    inside = [(entry.parts[len(root) :], entry) for entry in entries if entry.parts[: len(root)] == root]
    refusals = [_outside(entry) for entry in entries if entry.parts[: len(root)] != root]
    normals: list[Candidate] = []
    images: dict[Parts, list[Candidate]] = defaultdict(list)  # by the folders under test/
    for parts, entry in inside:
        if folded(parts[0]) in LAYERS:
            continue
        try:
            candidate = _image(parts, entry)
            (images[parts[1:-1]] if candidate.held_out else normals).append(candidate)
        except BadPicture as bad:
            refusals.append(Refusal(entry.name, str(bad)))
    layers: dict[tuple[str, int], list[tuple[str, Entry]]] = defaultdict(list)
    for parts, entry in inside:
        if (layer := folded(parts[0])) in LAYERS:
            try:
                image, name = _owner(parts, layer, images)
                layers[layer, id(image)].append((name, entry))
            except BadPicture as bad:
                refusals.append(Refusal(entry.name, str(bad)))
    return normals + [_with_masks(each, layers) for found in images.values() for each in found], refusals


def _image(parts: Parts, entry: Entry) -> Candidate:
    """Raises BadPicture when the entry is no image, or where the tree has none."""
    if not entry.is_image:
        raise BadPicture(NOT_AN_IMAGE)
    top, kind = folded(parts[0]), parts[1] if len(parts) > 2 else ""
    if top == "train" and folded(kind) in NORMAL_WORDS:
        return Candidate(entry, Verdict.normal)
    if top != "test" or not kind:
        raise BadPicture(OUTSIDE)
    if folded(kind) in NORMAL_WORDS:
        return Candidate(entry, Verdict.normal, held_out=True)
    if folded(kind) == UNSURE:
        return Candidate(entry, Verdict.unsure, held_out=True)
    return Candidate(entry, Verdict.defect, _type(kind), held_out=True)


def _type(folder: str) -> str | None:
    """The type that a folder or a file is called after; None for no type. Raises BadPicture."""
    if folded(folder) == UNTYPED:
        return None
    try:
        return type_name(type_of(folder))
    except (BadName, UnicodeDecodeError) as bad:
        raise BadPicture(f"lies in {folder!r}: {bad}") from None


def _owner(parts: Parts, layer: str, images: dict[Parts, list[Candidate]]) -> tuple[Candidate, str]:
    """(the image that a mask is of, the type that it is of in the layer of types).

    The folders under test/ have to be the mask's own; a folder called like an image holds several masks of it.

    Raises:
        BadPicture: it is of no image, or of several.
    """
    folders, file = parts[1:-1], parts[-1]
    stem = PurePosixPath(file).stem
    beside = images.get(folders, []) if layer != TYPES else []
    found = [each for each in beside if stem in (PurePosixPath(each.entry.name).stem, each.entry.parts[-1])]
    if not found and (bare := MARKED.sub("", stem)) != stem:
        found = [each for each in beside if bare in (PurePosixPath(each.entry.name).stem, each.entry.parts[-1])]
    if not found and folders:
        above = images.get(folders[:-1], [])
        found = [each for each in above if folders[-1] in (PurePosixPath(each.entry.name).stem, each.entry.parts[-1])]
    if len(found) != 1:
        raise BadPicture(f"is a mask of {len(found)} images of its name in test/" if found else LOST)
    if found[0].verdict is Verdict.normal:
        raise BadPicture("is a mask of an image that lies among the normal parts: one of the two is wrong")
    return found[0], _type(stem) or UNTYPED if layer == TYPES else ""


def _with_masks(image: Candidate, layers: dict[tuple[str, int], list[tuple[str, Entry]]]) -> Candidate:
    masks, ignore, typed = (layers.get((layer, id(image)), []) for layer in LAYERS)
    files = tuple(entry for _, entry in masks), tuple(entry for _, entry in ignore)
    return Candidate(image.entry, image.verdict, image.defect_type, image.held_out, *files, tuple(typed))


OUTSIDE = "lies outside train/good, test/ and ground_truth/ of the tree around it"
LOST = "is a mask without an image of its name in test/"


def _outside(entry: Entry) -> Refusal:
    return Refusal(entry.name, OUTSIDE)
