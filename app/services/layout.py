"""What an entry is by its place: MVTec AD's tree says what is normal, what is held out, and where the masks are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.services.errors import Refused
from app.services.sources import Entry
from storage.models import Verdict

IMAGE_KINDS = "PNG, JPEG, BMP, TIFF, WEBP"
NOT_AN_IMAGE = f"is not an image: {IMAGE_KINDS} are read"


@dataclass(frozen=True)
class Candidate:
    """An image to bring in, with what its place says of it."""

    entry: Entry
    verdict: Verdict | None = None
    defect_type: str | None = None
    held_out: bool = False
    mask: Entry | None = None


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


def _roots(entries: list[Entry]) -> set[tuple[str, ...]]:
    """Folders that hold train/good, or test/ beside ground_truth/."""
    found, tests, truths = set(), set(), set()
    for entry in entries:
        parts = entry.parts
        for i in range(len(parts) - 2):
            root = parts[:i]
            if parts[i : i + 2] == ("train", "good"):
                found.add(root)
            elif parts[i] == "test":
                tests.add(root)
            elif parts[i] == "ground_truth":
                truths.add(root)
    return found | (tests & truths)


def _tree(entries: list[Entry], root: tuple[str, ...]) -> tuple[list[Candidate], list[Refusal]]:
    candidates: list[Candidate] = []
    refusals: list[Refusal] = []
    inside = {entry.parts[len(root) :]: entry for entry in entries if entry.parts[: len(root)] == root}
    refusals += [_outside(entry) for entry in entries if entry.parts[: len(root)] != root]
    masks = {_mask_key(parts): entry for parts, entry in inside.items() if parts[0] == "ground_truth"}
    for parts, entry in inside.items():
        if parts[0] == "ground_truth":
            continue
        if not entry.is_image:
            refusals.append(Refusal(entry.name, NOT_AN_IMAGE))
        elif parts[:2] == ("train", "good") and len(parts) > 2:
            candidates.append(Candidate(entry, Verdict.normal))
        elif parts[:2] == ("test", "good") and len(parts) > 2:
            candidates.append(Candidate(entry, Verdict.normal, held_out=True))
        elif parts[0] == "test" and len(parts) > 2:
            mask = masks.pop((parts[1], _stem(parts)), None)
            candidates.append(Candidate(entry, Verdict.defect, parts[1], held_out=True, mask=mask))
        else:
            refusals.append(_outside(entry))
    refusals += [Refusal(mask.name, "is a mask without an image of its name in test/") for mask in masks.values()]
    return candidates, refusals


def _outside(entry: Entry) -> Refusal:
    return Refusal(entry.name, "lies outside train/good, test/ and ground_truth/ of the tree around it")


def _mask_key(parts: tuple[str, ...]) -> tuple[str, str]:
    return (parts[1] if len(parts) > 2 else "", _stem(parts).removesuffix("_mask"))


def _stem(parts: tuple[str, ...]) -> str:
    return PurePosixPath(parts[-1]).stem
