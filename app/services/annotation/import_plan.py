"""What a file of labels would change: each label on the right image or on none, and nothing left out in silence."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.annotation.image_matching import Images
from app.services.annotation.label_export import FORMATS, known
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.guard import guard
from app.services.label_formats.reading import Packed
from app.services.label_formats.record import LabelRecord, Remark
from app.services.label_formats.stored import Stored, stored
from app.services.layout import NOT_AN_IMAGE, Candidate, arrange, label_of
from app.services.pictures import SUFFIXES, BadPicture
from app.services.sources import MAX_ENTRIES, MAX_TOTAL, opened
from storage import annotations, images, typed_masks
from storage.errors import StorageError
from storage.models import Annotation, DefectType, Image, Role, Verdict

Unannotated = Literal["nothing", "normal"]


@dataclass(frozen=True)
class Rules:
    """What the person who imports decided beforehand.

    Attributes:
        unannotated: what images are that the file lists without saying anything of them.
        replace_defects: whether a normal verdict of the file may take the place of a person's defect.
    """

    unannotated: Unannotated = "nothing"
    replace_defects: bool = False


AS_WRITTEN = Rules()


@dataclass(frozen=True)
class Change:
    """A label that the file gives to an image.

    Attributes:
        name: the image's name in the file.
        before: what stands now; None where nobody labelled the image.
    """

    image_id: int
    image: str
    name: str
    label: Stored
    before: Stored | None
    revision: int

    @property
    def same(self) -> bool:
        return self.before == self.label


@dataclass
class Plan:
    """What a file would change, and what of it would not be taken.

    Attributes:
        listed: names of the images of which the file says nothing.
    """

    source: str = ""
    format: str = ""
    changes: list[Change] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)

    @property
    def new(self) -> list[Change]:
        return [change for change in self.changes if not change.same]

    @property
    def skipped(self) -> list[Remark]:
        return [remark for remark in self.remarks if remark.skipped]


Read = tuple[Image, LabelRecord]


def plan_import(
    context: Context,
    actor: Actor,
    project_slug: str,
    source: Path,
    *,
    format: str,
    rules: Rules = AS_WRITTEN,
    progress: Callable[[int], None] = lambda read: None,
) -> Plan:
    """What an import would do; nothing is saved.

    Args:
        progress: called with how many images of the file have been read.

    Raises:
        Refused: an unknown format, or the file is not of it.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        found = Images(images.images_for(session, project.id))
    known(format)
    if not source.exists():
        raise Refused(f"{source} does not exist: check the path")
    plan = Plan(source.name, format)
    read = _of_tree(source, found, plan) if format == "mvtec" else _of_file(source, format, found, plan)
    labels = _one_each(_counted(read, progress), plan, rules)
    with context.database.read() as session:
        for image, name, label in labels:
            _add(session, plan, image, name, label, rules)
    return plan


def format_of(source: Path) -> str:
    """The format of a file or folder by what is in it.

    Raises:
        Refused: it is of none that is told apart.
    """
    if source.is_dir():
        return "mvtec"
    try:
        with source.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise Refused(f"{source} cannot be read ({error.strerror or error})") from error
    if head[:1] == b"<":
        return "cvat"
    if head[:1] in (b"[", b"{"):
        return "labelstudio" if head[:1] == b"[" else "coco"
    if head[:2] == b"PK":
        listed = guard().listed(source, shown=source.name, max_entries=MAX_ENTRIES, max_total=MAX_TOTAL)
        names = [name.lower() for name, _ in listed]
        for suffix, format in ((".xml", "cvat"), (".json", "coco"), (SUFFIXES, "mvtec")):
            if any(name.endswith(suffix) for name in names):
                return format
    raise Refused(f"{source.name} is no file of labels that is recognised: choose its format, {', '.join(FORMATS)}")


def _counted(read: Iterable[Read], progress: Callable[[int], None]) -> Iterator[Read]:
    for count, one in enumerate(read, start=1):
        yield one
        progress(count)


def _of_file(source: Path, format: str, found: Images, plan: Plan) -> Iterator[Read]:
    """The file's records with their images, one at a time; into the plan what is of none."""
    for facts, body in guard().labels(source, format):
        read = Packed(facts, body).opened()
        if isinstance(read, Remark):
            plan.remarks.append(read)
            continue
        try:
            yield found.image_of(read.name, read.sha256), read
        except Refused as refused:
            plan.remarks.append(Remark(read.name, "", str(refused)))


def _of_tree(source: Path, found: Images, plan: Plan) -> Iterator[Read]:
    """The labels of a tree with their images, which its own pictures tell: by their bytes, or else by their pixels."""
    with opened(source) as entries:
        candidates, refusals = arrange(entries, "auto")
        plan.remarks += [Remark(each.name, "", each.reason) for each in refusals if each.reason != NOT_AN_IMAGE]
        if not any(candidate.verdict for candidate in candidates):
            raise Refused(f"{source} has no train/good and no test/ beside ground_truth/: give one category's folder")
        for candidate in candidates:
            try:
                image = _pictured(candidate, found)
                size = {"width": image.width, "height": image.height}
                record, lost = label_of(candidate, sha256=image.sha256, **size)
                plan.remarks += [Remark(each.name, "", each.reason) for each in lost]
                yield image, record
            except (BadPicture, Refused) as error:
                plan.remarks.append(Remark(candidate.entry.name, "", str(error)))


def _pictured(candidate: Candidate, found: Images) -> Image:
    """Raises BadPicture when the file is no picture, Refused when it is none of the project's."""
    data = candidate.entry.read()
    if (image := found.by_content(hashlib.sha256(data).hexdigest())) is not None:
        return image
    png = guard().picture(data).png  # the same pixels in another file
    return found.image_of(candidate.entry.name, hashlib.sha256(png).hexdigest())


def _one_each(read: Iterable[Read], plan: Plan, rules: Rules) -> list[tuple[Image, str, Stored]]:
    """One label for each image; two of one image are none, for nobody knows which is right."""
    labels: dict[int, list[tuple[Image, str, Stored]]] = defaultdict(list)
    names: dict[int, list[str]] = defaultdict(list)
    for image, record in read:
        names[image.id].append(record.name)
        if record.unread:
            continue
        if record.verdict is None:
            plan.listed.append(record.name)
            if rules.unannotated == "nothing":
                continue
            record = replace(record, verdict=Verdict.normal)
        try:
            labels[image.id].append((image, record.name, stored(record, width=image.width, height=image.height)))
        except (Refused, StorageError) as error:
            plan.remarks.append(Remark(record.name, "", str(error)))
    for image_id, called in names.items():
        if len(called) > 1:
            labels.pop(image_id, None)
            why = f"is one of {len(called)} entries for the same image ({', '.join(called[:3])}): which is right?"
            plan.remarks += [Remark(name, "", why) for name in called]
    return [one for found in labels.values() for one in found]


def _add(session: Session, plan: Plan, image: Image, name: str, label: Stored, rules: Rules) -> None:
    row = annotations.current_annotation(session, image.id)
    before = _standing(session, row) if row is not None and row.verdict is not None else None
    if (
        row is not None
        and row.verdict is Verdict.defect
        and row.by != annotations.IMPORT
        and label.verdict is Verdict.normal
        and not rules.replace_defects
    ):
        plan.remarks.append(
            Remark(name, "", f"is normal in the file and {row.by}'s defect here: ask for it, if the file is right")
        )
        return
    plan.changes.append(Change(image.id, image.name, name, label, before, row.revision if row else 0))


def _standing(session: Session, row: Annotation) -> Stored:
    kind = session.get_one(DefectType, row.defect_type_id).name if row.defect_type_id else None
    assert row.verdict is not None
    return Stored(row.verdict, kind, row.mask, row.ignore, typed_masks.of_label(session, row.id))
