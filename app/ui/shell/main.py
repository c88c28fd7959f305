"""Every run starts here: who is it, what may they see, which project.

It has a folder of its own because Streamlit takes a `pages` folder beside the first script for its older, automatic
navigation: a fresh server then showed a page that was asked for first without this frame around it.
"""

from pathlib import Path

import streamlit as st

from app.services.outage import noted
from app.ui.visit import PAGES as FOLDER
from app.ui.visit import SAID, choose_project, plain, sentence, visit
from storage.errors import AWAY
from storage.models import Role

HERE = Path(__file__).resolve().parent
SIGN_OUT = '<a href="/logout" target="_self" style="color: inherit; font-size: 14px">Sign out</a>'
LEGIBLE = """<style>@media (prefers-color-scheme: dark) {
  [data-testid^="stBaseButton-primary"] { color: #111417; } /* Streamlit writes white on a light blue: 3.2 to 1 */
  button[data-testid^="stBaseButton-primary"]:hover { background: #74a6ff; } /* and darkens that under the pointer */
}
/* the project and the way out stay above the fold at 768 pixels, with every page in the list */
[data-testid="stSidebarHeader"] { height: 40px; min-height: 0; margin-bottom: 4px; padding-block: 0; }
[data-testid="stSidebarNavLinkContainer"] { height: 24px; }
[data-testid="stSidebarNavLink"] { height: 23px; margin-block: 0; }
[data-testid="stNavSectionHeader"] { margin-block: 0; padding-block: 2px; }
[data-testid="stSidebarNavSeparator"] { margin-block: 4px; }
[data-testid="stSidebarUserContent"] { padding-block: 4px 8px; }
</style>"""
PAGES: tuple[tuple[str, str, str, Role | None], ...] = (
    ("", "home", "Home", None),
    ("Inspect", "gallery", "Gallery", Role.viewer),
    ("Inspect", "label", "Label", Role.viewer),
    ("Learn", "ingest", "Ingest", Role.viewer),
    ("Learn", "retrain", "Retrain", Role.viewer),
    ("Review", "review_labels", "Review labels", Role.reviewer),
    ("Review", "histograms", "Histograms", Role.viewer),
    ("Review", "drift", "Drift", Role.viewer),
    ("Review", "compare", "Compare", Role.viewer),
    ("Review", "operating", "Operating point", Role.viewer),
    ("Review", "bias", "Bias check", Role.viewer),
    ("Review", "versions", "Versions", Role.viewer),
    ("Who", "members", "Members", Role.engineer),
    ("Who", "people", "People", Role.admin),
    ("Who", "audit", "Audit", Role.admin),
    ("Who", "account", "Account", None),
)

st.logo(str(HERE / "icon.png"), size="large")
st.set_page_config(page_title="BGAD Inspect", page_icon=str(HERE / "icon.png"), layout="wide")
st.html(LEGIBLE)


def run() -> None:
    """The frame and the page in it."""
    here = visit()

    sections: dict[str, list] = {}
    for section, file, title, role in PAGES:
        if role is None or here.may(role):
            page = st.Page(FOLDER / f"{file}.py", title=title, url_path=file, default=file == "home")
            sections.setdefault(section, []).append(page)
    chosen = st.navigation(sections, expanded=True)
    with st.sidebar:
        choose_project(here.context, here.actor)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{plain(here.actor.name)} · {here.role_name}")
            st.html(SIGN_OUT, width="content")
    if said := st.session_state.pop(SAID, ""):
        st.success(sentence(said))
    chosen.run()


try:
    run()
except AWAY as error:
    st.error(sentence(noted(error)))
    st.button("Try again", type="primary", key="try-again")
