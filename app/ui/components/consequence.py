"""What promoting a version would change, the gate's answers, and the button."""

import streamlit as st

from app.services.gate import Check, failed
from app.services.impact import Flip, Flips, Impact, impact, promote
from app.services.rule import Rule
from app.services.score import QueueItem
from app.ui.components.gallery import gallery
from app.ui.visit import Visit, open_page, plain, told
from storage.models import Role

SIGNS = {True: ":green[:material/check_circle:]", False: ":red[:material/cancel:]", None: ":gray[:material/help:]"}
SHOWN = 12


def line_of(found: Impact) -> str:
    """The change in one line."""
    if not found.flips:
        return f"No decision flips over the {found.images} images that both have scored."
    flips = len(found.flips)
    words = [f"**{flips} {'decision flips' if flips == 1 else 'decisions flip'}** over {found.images} images"]
    words.append(f"missed defects caught: {found.caught}")
    words.append(f"confirmed defects lost: {found.missed}")
    words.append(f"good parts freed: {found.freed}")
    words.append(f"good parts stopped: {found.stopped}")
    return " · ".join(words)


def candidate(here: Visit, slug: str, number: int) -> None:
    """What flips, by type and by who decided; the operating point; the gate; the way to promote or roll back."""
    found = impact(here.context, here.actor, slug, number)
    if found is None:
        return
    st.markdown(f"If v{number} decides: {line_of(found)}")
    if found.carried.dropped:
        st.warning(plain(found.carried.words))
    elif found.carried.words:
        st.markdown(plain(found.carried.words))
    if not found.older:
        _gate(found.checks)
    if found.flips:
        _flips(here, slug, number, found)
    if here.may(Role.engineer):
        _act(here, slug, number, found)


def _gate(found: list[Check]) -> None:
    rows = [f"{SIGNS[check.passed]} **{plain(check.name)}**: {plain(check.words)}" for check in found]
    st.markdown("  \n".join(rows))


def _flips(here: Visit, slug: str, number: int, found: Impact) -> None:
    with st.expander(f"See the {len(found.flips)} by type, by person, and one by one"):
        left, right = st.columns(2)
        with left:
            _table("type", found.by_type)
        with right:
            _table("labelled by", found.by_person)
        with told():
            rule = found.carried.rule
            items = [tile(flip, rule) for flip in found.flipped[:SHOWN]]
            opened = gallery(key=f"flips-{number}", items=items, rule=rule, version_id=None, show_heat=False)
            if opened is not None:
                open_page("label", image=str(opened), project=slug)


def tile(flip: Flip, rule: Rule) -> QueueItem:
    """A flipped image as the gallery draws it, with the new version's score and where its rule puts it."""
    row = flip.row
    standing = rule.place(row.score, row.standing)
    return QueueItem(row.image_id, row.name, row.score, standing, row.verdict, row.held_out)


def _table(what: str, groups: list[Flips]) -> None:
    st.dataframe(
        [
            {
                what: group.name,
                "caught": group.caught,
                "lost": group.lost,
                "good freed": group.freed,
                "good stopped": group.stopped,
                "open, stopped": group.open_stopped,
                "open, freed": group.open_freed,
            }
            for group in groups
        ],
        hide_index=True,
        width="stretch",
    )


def _act(here: Visit, slug: str, number: int, found: Impact) -> None:
    """One click where the gate lets it; behind a reason and a tick where not."""
    held = [] if found.older else failed(found.checks)
    verb = "Roll back to" if found.older else "Override the gate and promote" if held else "Promote"
    reason, button = st.columns([3, 1], vertical_alignment="bottom")
    why = reason.text_input(
        "Reason, needed to override the gate and kept" if held else "Reason, kept in the record", key=f"why-{number}"
    )
    if button.button(
        f"{verb} v{number}",
        key=f"promote-{number}",
        type="secondary" if found.older or held else "primary",
        width="stretch",
    ):
        with told():
            promote(here.context, here.actor, slug, number, reason=why, override=bool(held))
            st.rerun()
