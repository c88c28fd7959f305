"""The one installation that this web process serves."""

from functools import cache

from app.services.context import Context, open_context
from app.settings import Settings


@cache
def opened() -> Context:
    """Opened once per process, at the first request."""
    return open_context(Settings.from_environment())
