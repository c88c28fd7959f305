"""The state of somebody who labels: the stroke that was not saved yet, and what can be taken back.

Browser and server agree on a mask by its number per (image, revision): a number that the server has is acknowledged,
one that arrives after its verdict was saved becomes a further revision of that label, so no stroke is lost to haste.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app.services.kinds import split
from app.services.label import LabelView, save_verdict, undo
from app.ui.components.mask_editor import Commit
from app.ui.visit import Visit
from storage.models import Annotation, Verdict

Given = tuple[Verdict, str | None]  # a verdict and the defect's type


@dataclass
class Draft:
    """The masks on the stage: not saved, but in the server's hands up to `rev`."""

    image_id: int
    base: int
    rev: int = 0
    drawn: Commit | None = None
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Saved:
    """A label that was confirmed in this session; `rev` of the mask that went with it, drawn on revision `base`."""

    image_id: int
    base: int
    revision: int
    verdict: Verdict
    defect_type: str | None
    rev: int


@dataclass(frozen=True)
class Held:
    """A verdict that waits for its mask: the browser has one that a server which was started again has not."""

    image_id: int
    base: int
    verdict: Verdict
    defect_type: str | None


@dataclass
class Desk:
    """One person's labelling in one browser tab.

    Attributes:
        shown, before: (image, revision of its label) that this run shows, and that the last one did.
    """

    draft: Draft | None = None
    held: Held | None = None
    done: list[Saved] = field(default_factory=list)
    last_type: str | None = None
    shown: tuple[int, int] | None = None
    before: tuple[int, int] | None = None

    def show(self, view: LabelView) -> None:
        """Note which label this run shows: once a run, before anything that is clicked is looked at."""
        self.before, self.shown = self.shown, (view.image_id, view.said.revision)

    def seen(self, view: LabelView) -> int:
        """The revision that a click of this run was made on: the last run's, for a colleague may have saved since."""
        return self.before[1] if self.before and self.before[0] == view.image_id else view.said.revision

    def draft_of(self, image_id: int, base: int) -> Draft:
        """The draft for this revision of this image; a new one when the image or its label changed."""
        if self.draft is None or (self.draft.image_id, self.draft.base) != (image_id, base):
            self.draft = Draft(image_id, base)
        return self.draft

    def take(self, here: Visit, commit: Commit | None) -> None:
        """Take over a mask from the browser; one that came after its verdict becomes a revision of that label."""
        if commit is None:
            return
        draft = self.draft
        if draft and (draft.image_id, draft.base) == (commit.image_id, commit.base):
            if commit.rev > draft.rev:
                draft.rev, draft.drawn = commit.rev, commit
            return
        late = next((s for s in self.done if (s.image_id, s.base) == (commit.image_id, commit.base)), None)
        if late and late.verdict is not Verdict.normal and commit.rev > late.rev:
            row = save_verdict(
                here.context,
                here.actor,
                late.image_id,
                verdict=late.verdict,
                defect_type=late.defect_type,
                **_masks(commit),
                client_id=str(uuid.uuid4()),
                expected_revision=late.revision,
            )
            late.revision, late.rev = row.revision, commit.rev

    def settled(
        self, view: LabelView, latest: int, said: tuple[Verdict, str | None] | None
    ) -> tuple[Verdict, str | None] | None:
        """The verdict that can be saved now: the one just given, or one that waited for its mask; None for none."""
        base = view.said.revision
        if said is None and self.held and (self.held.image_id, self.held.base) == (view.image_id, base):
            said = self.held.verdict, self.held.defect_type
        if said is not None and said[0] is not Verdict.normal and self.draft_of(view.image_id, base).rev < latest:
            self.held = Held(view.image_id, base, *said)
            return None
        self.held = None
        return said

    def save(
        self,
        here: Visit,
        view: LabelView,
        verdict: Verdict,
        defect_type: str | None,
        *,
        purpose: str | None = None,
        blind: bool = False,
    ) -> Annotation:
        """Save the verdict with the mask on the stage; when this returns, it is on disk.

        Raises:
            Conflict: somebody else saved since the person last saw the label.
        """
        draft = self.draft_of(view.image_id, view.said.revision)
        before = {"mask_png": view.said.mask, "ignore_png": view.said.ignore, "typed_png": others(view)}
        row = save_verdict(
            here.context,
            here.actor,
            view.image_id,
            verdict=verdict,
            defect_type=defect_type,
            **(_masks(draft.drawn) if draft.drawn else before),
            client_id=draft.client_id,
            expected_revision=self.seen(view),
            version_id=view.reading.version_id if view.reading else None,
            score=view.reading.score if view.reading else None,
            purpose=purpose,
            blind=blind or None,
        )
        self.done.append(Saved(view.image_id, draft.base, row.revision, verdict, defect_type, draft.rev))
        self.draft = None
        return row

    def undo(self, here: Visit) -> int | None:
        """Take this session's last label back; the image it was of, None when there is none."""
        if not self.done:
            return None
        last = self.done[-1]
        undo(here.context, here.actor, last.image_id, expected_revision=last.revision, back_to=last.base)
        self.done.pop()
        return last.image_id


def others(view: LabelView) -> dict[str, bytes]:
    """What the standing label marks of other types than its own."""
    return {name: png for name, png in view.said.typed.items() if name != view.said.defect_type}


def _masks(drawn: Commit) -> dict[str, Any]:
    typed = split(drawn.numbers, drawn.types) if drawn.numbers else {}
    return {"mask_png": drawn.png, "ignore_png": drawn.ignore, "typed_png": typed}


def desk() -> Desk:
    """This tab's desk."""
    found = st.session_state.setdefault("desk", Desk())
    assert isinstance(found, Desk)
    return found
