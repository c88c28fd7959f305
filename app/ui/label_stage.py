"""The parts of the label page: the image to draw on, where it stands, what looks like it, what was said of it."""

import uuid
from typing import Any

import streamlit as st

from app.services.kinds import painted
from app.services.label import LabelView
from app.services.label_aids import compared_version, most_alike, typical_reach
from app.services.label_history import Entry, label_history, restore
from app.services.mixing import purpose_words
from app.services.queue import Queue, Wanted
from app.services.rule import Rule
from app.services.score import QueueItem
from app.ui.components.figures import show, standing_figure
from app.ui.components.job_status import local_time
from app.ui.components.mask_editor import Drawn, Sight, mask_editor
from app.ui.labelling import Desk
from app.ui.visit import Visit, plain, sentence
from storage.models import Role, Standing

STAGE = 430
COLOURS = {Standing.normal: "green", Standing.margin: "orange", Standing.defect: "red"}


def sight_of(here: Visit, slug: str, view: LabelView, *, blind: bool) -> Sight:
    """What is seen besides the pixels; nothing before a version has seen the image, or while it is shown blind."""
    reading = view.reading
    if reading is None or blind:
        return Sight()
    before = compared_version(here.context, here.actor, slug, view.image_id)
    heat = f"/heatmap/{view.image_id}?version="
    log_p_url = f"/logp/{view.image_id}?version={reading.version_id}"
    return Sight(
        heat_url=f"{heat}{reading.version_id}",
        compare=(f"{heat}{before[0]}", f"v{before[1]}") if before else None,
        log_p_url=log_p_url,
        scale=vars(reading.scale),
        reach=reach_of(here, slug, view, log_p_url),
        levels=reading.levels,
        isolines=reading.isolines,
        regions=reading.boxes,
    )


def reach_of(here: Visit, slug: str, view: LabelView, log_p_url: str) -> dict[str, Any] | None:
    """What one click grows to; None before a known defect has a mask: then it grows to the isoline."""
    reading, share = view.reading, typical_reach(here.context, here.actor, slug)
    if reading is None or share is None:
        return None
    finest = {"url": f"{log_p_url}&level={reading.levels[1]}", **vars(reading.finest)}
    return {**finest, "radius": share * max(view.width, view.height)}


def stage(here: Visit, view: LabelView, at: Desk, sight: Sight, following: list[QueueItem]) -> Drawn:
    """The image with its heat, isolines and mask; what was drawn is taken over as it arrives."""
    draft = at.draft_of(view.image_id, view.said.revision)
    version = view.reading.version_id if view.reading else None
    ahead = [f"/image/{item.image_id}" for item in following]
    if version is not None and sight.heat_url:
        ahead += [f"/heatmap/{item.image_id}?version={version}" for item in following if item.score is not None]
        ahead += [f"/logp/{item.image_id}?version={version}" for item in following if item.score is not None]
    drawn = mask_editor(
        key="editor",
        image_id=view.image_id,
        base=view.said.revision,
        image_url=f"/image/{view.image_id}",
        width=view.width,
        height=view.height,
        mask=view.said.mask,
        ignore=view.said.ignore,
        numbers=painted(view.said.typed, view.said.defect_type, view.defect_types),
        types=view.defect_types,
        sight=sight,
        ahead=ahead,
        ack_rev=draft.rev,
        stage_height=STAGE,
    )
    at.take(here, drawn.commit)
    return drawn


def stands(view: LabelView, wanted: Wanted | None, queue: Queue, rule: Rule, *, blind: bool) -> None:
    """Why the part is shown, and where it stands against what decides."""
    if blind:
        st.markdown(":violet-badge[blind]")
        st.caption("Say what you see. Heat and score come when you have answered: so people's eyes are measured alone.")
        return
    badges = [f":blue-badge[{purpose_words(rule)[wanted.purpose]}]"] if wanted else [":gray-badge[you opened it]"]
    reading = view.reading
    if reading is None:
        st.markdown(" ".join(badges))
        st.caption(sentence(wanted.why) if wanted else "Not scored yet. It can be labelled all the same.")
        return
    st.markdown(" ".join([*badges, f":{COLOURS[reading.standing]}-badge[{rule.standing_words(reading.standing)}]"]))
    left = [f"{queue.waiting_defect} beyond", f"{queue.waiting_margin} near the {rule.name}"]
    why = f"{sentence(wanted.why)}. " if wanted else ""
    regions = f"{reading.regions} {'region' if reading.regions == 1 else 'regions'} below b\\_n"
    line = f"{plain(rule.line)} " if rule.point else ""
    st.caption(f"**{reading.score:.2f}** · {regions}. {line}{why}Waiting: {', '.join(left)}.")
    stopped = "" if reading.line is None else f", the operating point stops below {reading.line:.2f}"
    show(
        standing_figure(reading),
        key=f"standing-{view.image_id}",
        alt=f"its lowest log-likelihood {reading.lowest:.2f}, b_n {reading.scale.b_n:.2f}{stopped}",
    )


def aids(here: Visit, view: LabelView, *, blind: bool) -> None:
    """The labelled parts that look most like this one."""
    if view.reading is None or blind:
        return
    normal, defect = most_alike(here.context, here.actor, view.reading.version_id, view.image_id)
    columns = st.columns(2, gap="small")
    for column, like, words in zip(columns, (normal, defect), ("nearest normal", "nearest defect"), strict=True):
        if like is not None:
            kind = f": {like.defect_type}" if like.defect_type else ""
            column.html(
                f'<a href="/label?project={here.project}&image={like.image_id}" target="_self">'
                f'<img src="/thumb/{like.image_id}" alt="{words}" style="height:50px;border-radius:6px"></a>'
            )
            column.caption(plain(words + kind))


def said(view: LabelView) -> None:
    """The standing label, and what labelling would change."""
    if view.said.verdict is not None and view.said.at is not None:
        types = dict.fromkeys(filter(None, [view.said.defect_type, *view.said.typed]))
        words = ", ".join([view.said.verdict.value, *types])
        st.caption(sentence(f"{words}: {view.said.by}, {local_time(view.said.at)}"))
    if view.held_out:
        st.caption("Held out for measuring. A label of yours moves it to the training images.")


def past(here: Visit, view: LabelView, *, seen: int) -> None:
    """Every label that the image has had; any of them can stand again, in place of the one that was `seen`."""
    name = plain(view.name.rsplit("/", 1)[-1])
    if view.said.revision == 0:
        st.caption(name)
        return
    with st.popover(f"{name} · history {view.said.revision}", width="stretch"):
        for entry in label_history(here.context, here.actor, view.image_id):
            words, button = st.columns([4, 1], vertical_alignment="center")
            words.markdown(_line(entry))
            may = here.may(Role.inspector) and entry.revision != view.said.revision
            if may and button.button("Restore", key=f"restore-{view.image_id}-{entry.revision}"):
                given = {"revision": entry.revision, "expected_revision": seen}
                restore(here.context, here.actor, view.image_id, client_id=str(uuid.uuid4()), **given)
                st.session_state["label-saved"] = f"Revision {entry.revision} stands again"
                st.rerun()


def _line(entry: Entry) -> str:
    verdict = entry.verdict.value if entry.verdict else "withdrawn"
    parts = [f"**{entry.revision}** {verdict}", ", ".join(entry.types), "mask" if entry.marked else None]
    seen = f"saw v{entry.version}, {entry.score:.2f}" if entry.version and entry.score is not None else None
    parts += [entry.by, local_time(entry.at), seen, "blind" if entry.blind else None, entry.review]
    return plain(" · ".join(filter(None, parts))).replace("\\*\\*", "**")
