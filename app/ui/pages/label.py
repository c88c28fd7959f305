"""Label: is this part good, and where is the defect?"""

import streamlit as st

from app.services.label import LabelView, label_view
from app.services.label_aids import is_blind
from app.services.queue import ASKS, Ask, Queue, Wanted, claim, hold, offer_again, queue_for, skip
from app.services.rule import Rule, deciding_rule
from app.ui.components.gallery import gallery
from app.ui.components.mask_editor import Drawn
from app.ui.components.shares import no_audit
from app.ui.label_stage import aids, past, said, sight_of, stage, stands
from app.ui.labelling import Desk, desk
from app.ui.visit import Visit, open_page, plain, project_visit, sentence, told
from storage.models import Role, Verdict

ASK: dict[Ask, str] = {
    "mixed": "What teaches most",
    "defect": "Likely defects",
    "boundary": "Near the {}",
    "new": "New kinds",
    "audit": "Audit of good parts",
    "check": "Label checks",
}


def go_to(image_id: int | None) -> None:
    """Open another image, or what the queue gives; the address carries it, so that it can be sent to a colleague."""
    if image_id is None:
        st.query_params.pop("image", None)
    else:
        st.query_params["image"] = str(image_id)
    st.rerun()


def leave() -> None:
    """Let the queue say what is shown next."""
    st.query_params.pop("image", None)


def asked(rule: Rule) -> Ask:
    """What the queue is asked for: chosen right above the strip that it fills, kept in the address.

    Another choice opens its first image at once; strokes on the one before are kept for whoever returns to it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Show me", width="content")
        return st.selectbox(
            "Show me",
            ASKS,
            format_func=lambda name: ASK[name].format(rule.name),
            key="label-ask",
            bind="query-params",
            on_change=leave,
            label_visibility="collapsed",
            width=220,
        )


def shown(here: Visit, slug: str, queue: Queue) -> tuple[int | None, Wanted | None]:
    """The image of the address, or the next of the queue, which is this person's from now on; and what it is for."""
    address = st.query_params.get("image", "")
    if address.isdigit() and int(address) < 2**62:
        other, wanted = hold(here.context, here.actor, slug, int(address))
        if other:
            st.info(f"{plain(other)} has this image open. Whoever saves second is told what the first one said.")
        return int(address), wanted
    given = claim(here.context, here.actor, slug, queue) if here.may(Role.inspector) else next(iter(queue.wanted), None)
    if given is not None:
        st.query_params["image"] = str(given.item.image_id)
    return (given.item.image_id if given else None), given


def decide(here: Visit, view: LabelView, at: Desk, drawn: Drawn, wanted: Wanted | None, *, blind: bool) -> None:
    """The verdict, by button or key; the next image opens when it is on disk."""
    key = f"label-type-{view.image_id}-{view.said.revision}"
    if drawn.kind and drawn.kind <= len(view.defect_types):
        st.session_state[key] = view.defect_types[drawn.kind - 1]
    known = view.said.defect_type or at.last_type
    kind = st.selectbox(
        "Type of the defect",
        view.defect_types,
        index=view.defect_types.index(known) if known in view.defect_types and key not in st.session_state else None,
        format_func=lambda name: numbered(view.defect_types, name),
        placeholder="1-9, or type a new one",
        accept_new_options=True,
        key=key,
        label_visibility="collapsed",
    )
    first, second = st.columns(2), st.columns(2)
    verdict = None
    if first[0].button("Normal", shortcut="n", width="stretch", key="label-normal"):
        verdict = Verdict.normal
    if first[1].button("Defect", shortcut="d", width="stretch", key="label-defect", type="primary"):
        verdict = Verdict.defect
    if second[0].button("Unsure", shortcut="u", width="stretch", key="label-unsure"):
        verdict = Verdict.unsure
    if second[1].button("Skip", shortcut="s", width="stretch", key="label-skip"):
        skip(here.context, here.actor, view.image_id)
        go_to(None)
    given = (verdict, kind if verdict is Verdict.defect else None) if verdict else None
    if (settled := at.settled(view, drawn.latest, given)) is not None:
        with told():
            row = at.save(here, view, *settled, purpose=wanted.purpose if wanted else None, blind=blind)
            at.last_type = settled[1] or at.last_type
            words = [settled[0].value, settled[1], "with its mask" if row.mask else None]
            words += [f"the score is {row.score:.2f}" if blind and row.score is not None else None]
            st.session_state["label-saved"] = f"Saved: {', '.join(filter(None, words))}"
            go_to(None)
    elif at.held:
        st.caption("Waiting for the mask from this browser; then it is saved.")


def numbered(types: list[str], name: str) -> str:
    """A defect type with its number key."""
    number = types.index(name) + 1 if name in types else 10
    return f"{number}  {name}" if number < 10 else name


def take_back(here: Visit, at: Desk) -> None:
    if st.button("Undo", shortcut="z", disabled=not at.done, width="stretch", key="label-undo"):
        with told():
            image_id = at.undo(here)
            st.session_state["label-saved"] = "The last label is taken back"
            go_to(image_id)


def nothing_left(here: Visit, slug: str, queue: Queue, ask: Ask, rule: Rule, at: Desk) -> None:
    """Why the queue is empty, and what would fill it."""
    first_day = queue.version_id is None and not at.done and not queue.skipped and not queue.held
    st.title("All done" if not first_day and ask == "mixed" else "Nothing to label")
    reasons = [f"You put off {queue.skipped}." if queue.skipped else None]
    reasons += [f"Colleagues have {queue.held} open." if queue.held else None]
    reasons += [f"{queue.unscored} wait for the worker to score them." if queue.unscored else None]
    if ask != "mixed":
        reasons += [f"No image waits for “{ASK[ask].format(rule.name)}”: ask for what teaches most instead."]
    elif first_day:
        reasons += ["This project has no image without a label yet. An engineer brings them in on the Ingest page."]
    else:
        reasons += ["Every other image has its label. See what a retrain would learn from them, or bring in more."]
    st.write(" ".join(filter(None, reasons)))
    if queue.no_audit:
        st.caption(no_audit(queue.no_audit))
    row = st.container(horizontal=True)
    if queue.skipped and row.button("Show what I put off", type="primary", key="label-again"):
        offer_again(here.context, here.actor, slug)
        go_to(None)
    if first_day and row.button("Go to Ingest", type="primary", key="go-ingest"):
        open_page("ingest")
    if not first_day and row.button("Retrain", key="label-retrain"):
        open_page("retrain")
    with row.container(width=180):
        take_back(here, at)


here, slug = project_visit()
at = desk()
rule = deciding_rule(here.context, here.actor, slug)
if message := st.session_state.pop("label-saved", None):
    st.toast(sentence(message))
picture, facts = st.columns([7.4, 2.4], gap="medium")
scene, choice, strip = picture.container(), picture.container(), st.container()
with choice:
    ask = asked(rule)
queue = queue_for(here.context, here.actor, slug, ask=ask)
with scene, told():
    image_id, wanted = shown(here, slug, queue)
    if image_id is None:
        nothing_left(here, slug, queue, ask, rule, at)
        st.stop()
    view = label_view(here.context, here.actor, slug, image_id)
    at.show(view)
    blind = view.said.verdict is None and is_blind(here.context, here.actor, slug, image_id)
    following = [each.item for each in queue.wanted if each.item.image_id != image_id][:2]
    drawn = stage(here, view, at, sight_of(here, slug, view, blind=blind), following)
    if queue.no_audit:
        st.caption(no_audit(queue.no_audit))
    with facts:
        stands(view, wanted, queue, rule, blind=blind)
        aids(here, view, blind=blind)
        said(view)
        if here.may(Role.inspector):
            decide(here, view, at, drawn, wanted, blind=blind)
            take_back(here, at)
        past(here, view, seen=at.seen(view))
    items = [each.item for each in queue.wanted]
    with strip:
        opened = gallery(
            key="strip",
            items=[] if blind else items,
            rule=rule,
            version_id=queue.version_id,
            show_heat=True,
            selected=view.image_id,
            compact=True,
        )
    if opened is not None:
        go_to(opened)
    if drawn.commit is not None:
        st.rerun()  # its number goes back at once, and the browser stops sending
