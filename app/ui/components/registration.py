"""Tell Streamlit where the built components lie.

Streamlit finds a component's assets through a `pyproject.toml` in a package named like its distribution. Ours is called
`bgad-inspect` and its packages `app`, `bgad_core` and `storage`, so the manifest is handed over here instead.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

FOLDER = Path(__file__).parent
NAMES = ("mask_editor", "gallery")


def component(name: str, script: str) -> Any:
    """The mount function of one component, its script served from the committed build."""
    return _registered(get_bidi_component_manager(), name, script)


@lru_cache(maxsize=8)
def _registered(manager: BidiComponentManager, name: str, script: str) -> Any:
    """Once per manager: a server has one, every run of a page under test another."""
    parts = [ComponentConfig(name=each, asset_dir="assets") for each in NAMES]
    manifest = ComponentManifest(name="bgad-inspect", version="1", components=parts)
    manager.register_from_manifest(manifest, FOLDER)
    return st.components.v2.component(f"bgad-inspect.{name}", js=script)
