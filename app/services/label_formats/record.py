"""One label outside the database, what a file says beside it, and how the marks of a file become a label."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from app.services.errors import Refused
from storage.errors import BadName
from storage.models import Verdict
from storage.type_names import DONT_CARE, NORMAL_WORDS, UNSURE, UNTYPED, folded, type_name

MAX_PIXELS = 64_000_000  # of an image, as in `pictures`
Layer = tuple[str, np.ndarray]  # a name in a file, and what it marks: bool (H, W)
BROKEN = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError, ArithmeticError)


class Unread(Exception):
    """Why something in a file gives no label."""


@dataclass(frozen=True)
class Remark:
    """What a file has that gives no label, or not as it stands there.

    Attributes:
        image: the name in the file; "" where it is of no image.
        item: which of its annotations, in the file's own words; "" for all of them.
        text: why, in a sentence.
        skipped: whether something was left out; else it was read, by a rule that is told.
    """

    image: str
    item: str
    text: str
    skipped: bool = True


@dataclass(frozen=True)
class LabelRecord:
    """What a file says of one image.

    Attributes:
        name: the image's name in the file.
        sha256: of the image's file; "" where a format does not carry it, then the name decides.
        width, height: of the image, 0 where the file does not say.
        verdict: None where the file lists the image and says nothing of it.
        mask, ignore: bool (H, W), None where nothing is marked.
        typed: masks of single types by name, where some are not of `defect_type`; `mask` has them all.
        unread: something of it could not be read, and no region was: it is no label, and claims its image all the same.
    """

    name: str
    sha256: str
    width: int
    height: int
    verdict: Verdict | None
    defect_type: str | None = None
    mask: np.ndarray | None = None
    ignore: np.ndarray | None = None
    typed: dict[str, np.ndarray] = field(default_factory=dict)
    unread: bool = False

    @property
    def layers(self) -> list[Layer]:
        """What is marked, by its name in a file: what is of the label's own type first, then of others, and don't care.

        Only what no other type claims is of no type.
        """
        own = self.defect_type or UNTYPED
        found = dict(self.typed)
        rest = self.mask
        for mask in found.values():
            rest = None if rest is None else rest & ~mask
        if rest is not None and rest.any() and own not in found:
            found[own] = rest
        layers = sorted(found.items(), key=lambda layer: layer[0] != own)
        return [*layers, *([(DONT_CARE, self.ignore)] if self.ignore is not None else [])]


class Marks:
    """What a file says of one image, gathered piece by piece; a piece that cannot be read costs itself alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.remarks: list[Remark] = []
        self._words: list[Verdict] = []
        self._tags: list[str] = []
        self._layers: dict[tuple[str, int], np.ndarray] = {}
        self._unread = False

    @contextmanager
    def item(self, item: str) -> Iterator[None]:
        """Names what cannot be read within it."""
        try:
            yield
        except (Unread, BadName, Refused) as error:
            self.leave_out(item, str(error))
        except MemoryError:
            self.leave_out(item, "needs more memory than a label may")
        except BROKEN as error:
            self.leave_out(item, f"is damaged ({type(error).__name__}: {error})")

    def leave_out(self, item: str, text: str) -> None:
        self._unread = True
        self.remarks.append(Remark(self.name, item, text))

    def note(self, item: str, text: str) -> None:
        self.remarks.append(Remark(self.name, item, text, skipped=False))

    def say(self, verdict: Verdict) -> None:
        self._words.append(verdict)

    def tag(self, given: object) -> None:
        """A word for the whole image: what it is, or the type of its defect. Raises BadName."""
        if (said := spoken(given)) is not None:
            self._words.append(said)
        elif (name := kind_of(given)) != DONT_CARE:
            self._tags.append(name)

    def mark(self, given: object, mask: np.ndarray, *, height: int = 0) -> None:
        """A region and its label; what lies higher takes the pixels of other types below it.

        Raises:
            BadName: the label is no name of a type.
            Unread: nothing is marked.
        """
        if (said := spoken(given)) is not None:
            self._words.append(said)
            return
        if not mask.any():
            raise Unread("marks no pixel of its image")
        key = (kind_of(given), height)
        self._layers[key] = self._layers[key] | mask if key in self._layers else mask

    def record(self, sha256: str, width: int, height: int, *, own: str | None = None) -> LabelRecord:
        """The label; unread where something of the image could not be read and no region of it was.

        Words and tags alone do not count then: what they stand beside may say otherwise, or hold the mask that they
        would replace by none.

        Args:
            own: the label's own type, where the file tells it apart from its marks.

        Raises:
            Unread: the file contradicts itself.
        """
        verdict = self._verdict(own)
        if self._unread and not any(name != DONT_CARE for name, _ in self._layers):
            if verdict is not None:
                self.leave_out("", f"is called {own or self._called(verdict)} beside what could not be read: no label")
            return self.lost(sha256)
        layers = self._uncovered()
        if own is None and self._tags:
            own = next((name for name in self._tags if name != UNTYPED), None)
            if others := {name for name in self._tags if name not in (own, UNTYPED) and name not in dict(layers)}:
                self.note("", f"is called {own} and {', '.join(sorted(others))} without a region: {own} is kept")
        if own is None and not self._tags and len({name for name, _ in layers if name != DONT_CARE}) == 1:
            own = next(name for name, _ in layers if name != DONT_CARE)
        return LabelRecord(
            self.name,
            sha256,
            width,
            height,
            verdict,
            None if own == UNTYPED or verdict is not Verdict.defect else own,
            joined(mask for name, mask in layers if name != DONT_CARE),
            joined(mask for name, mask in layers if name == DONT_CARE),
            typed_of(layers, own) if verdict is Verdict.defect else {},
        )

    def _verdict(self, own: str | None) -> Verdict | None:
        words = set(self._words)
        defects = {name for name, _ in self._layers if name != DONT_CARE} | set(self._tags) | ({own} if own else set())
        if len(words) > 1:
            raise Unread(f"is called {' and '.join(sorted(word.value for word in words))} at once")
        if words == {Verdict.normal} and defects:
            raise Unread(
                f"is called normal and has marks or tags of {', '.join(sorted(defects))}: one of them is wrong"
            )
        if words:
            return words.pop()
        return Verdict.defect if defects else None

    def lost(self, sha256: str = "") -> LabelRecord:
        """What is left of an image of which nothing can be taken: its name."""
        return LabelRecord(self.name, sha256, 0, 0, None, unread=True)

    def _called(self, verdict: Verdict) -> str:
        return ", ".join(self._tags) if verdict is Verdict.defect and self._tags else verdict.value

    def _uncovered(self) -> list[Layer]:
        """The masks by name, each without what lies over it of another type."""
        found: dict[str, np.ndarray] = {}
        for (name, height), mask in self._layers.items():
            over = [m for (other, z), m in self._layers.items() if z > height and other not in (name, DONT_CARE)]
            left = mask & ~np.logical_or.reduce(over) if over and name != DONT_CARE else mask
            if not left.any():
                self.note("", f"what is marked as {name} lies wholly under other types: it is left out")
                continue
            found[name] = found[name] | left if name in found else left
        return list(found.items())


def spoken(given: object) -> Verdict | None:
    """What a word of a file says of a whole image; None where it is the name of a type."""
    if not isinstance(given, str):
        return None
    word = folded(given)
    return Verdict.normal if word in NORMAL_WORDS else Verdict.unsure if word == UNSURE else None


def kind_of(given: object) -> str:
    """The name of a mark: a type, no type, or don't care. Raises BadName."""
    word = folded(given) if isinstance(given, str) else ""
    return word if word in (UNTYPED, DONT_CARE) else type_name(given)


def typed_of(layers: list[Layer], own: str | None) -> dict[str, np.ndarray]:
    """Masks by type where the layers of a file are of others than the label's own; layers of one type are one mask."""
    names = dict.fromkeys(name for name, _ in layers if name not in (DONT_CARE, UNTYPED))
    found = {each: joined(mask for name, mask in layers if name == each) for each in names}
    typed = {name: mask for name, mask in found.items() if mask is not None}
    return typed if typed.keys() - {own} else {}


def sized(width: object, height: object) -> tuple[int, int]:
    """An image's size as a file claims it.

    Raises:
        Unread: no image here has such a size; nothing may be made of it.
    """
    sides = [side for side in (width, height) if isinstance(side, int | float) and not isinstance(side, bool)]
    whole = [int(side) for side in sides if side == side // 1]
    if len(whole) != 2 or min(whole) < 1 or whole[0] * whole[1] > MAX_PIXELS:
        million = MAX_PIXELS // 10**6
        raise Unread(f"is of {width!r:.20} x {height!r:.20} pixels in the file: 1 x 1 to {million} million are read")
    return whole[0], whole[1]


def joined(masks: Iterable[np.ndarray]) -> np.ndarray | None:
    """The union of masks; None of none, or where nothing is marked."""
    union: np.ndarray | None = None
    for mask in masks:
        union = mask if union is None else union | mask
    return union if union is not None and union.any() else None
