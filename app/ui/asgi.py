"""The web server: Streamlit's ASGI app with our own routes, behind the gate. Run as `python -m app.ui.asgi`."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

import app as package
from app.processes import require_free_port
from app.services.errors import Refused
from app.ui.gate import Gate
from app.ui.opened import opened
from app.ui.routes import ROUTES

HERE = Path(__file__).resolve().parent
CONFIG = Path(package.__file__).resolve().parents[1] / ".streamlit" / "config.toml"

app = st.App(HERE / "shell" / "main.py", routes=ROUTES, middleware=[Middleware(Gate, context=opened)])


def configuration() -> dict[str, Any]:
    """`.streamlit/config.toml` of this installation, whatever folder the server is started in, and the address."""
    with CONFIG.open("rb") as file:
        options = dict(_flat(tomllib.load(file)))
    settings = opened().settings
    return {**options, "server.address": settings.host, "server.port": settings.port}


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def main() -> int:
    """Serve until stopped; 1 and one sentence when that cannot start."""
    try:
        require_free_port(opened().settings)
    except (Refused, ValueError) as refused:
        sys.stderr.write(f"bgad-inspect: {refused}\n")
        return 1
    app.run(config=configuration())
    return 0


if __name__ == "__main__":
    sys.exit(main())
