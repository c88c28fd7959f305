"""Which version, and beside which other one: the same two boxes on every page that reviews."""

from collections.abc import Sequence

from streamlit.delta_generator import DeltaGenerator

from app.services.review import VersionView


def pick_version(bar: DeltaGenerator, found: Sequence[VersionView], *, key: str, first: int | None = None) -> int:
    """One version's number; `first` is offered first, the deciding version where it is None."""
    numbers = [version.number for version in found]
    offered = first if first in numbers else deciding_number(found)
    return int(bar.selectbox("Version", numbers, index=numbers.index(offered), format_func=_name, key=key, width=120))


def pick_other(bar: DeltaGenerator, found: Sequence[VersionView], number: int, *, key: str) -> int | None:
    """Another version to hold it against: the deciding one, or the one before it where it decides itself."""
    others = [version.number for version in found if version.number != number]
    deciding = deciding_number(found)
    before = deciding if deciding != number else next((n for n in others if n < number), None)
    choices = [None, *others]
    return bar.selectbox(
        "Compare with", choices, index=choices.index(before), format_func=_name, key=f"{key}-{number}", width=120
    )


def deciding_number(found: Sequence[VersionView]) -> int:
    """The version that decides now; the newest where none does. `found` has the newest first and is not empty."""
    return next((version.number for version in found if version.decides), found[0].number)


def _name(number: int | None) -> str:
    return "nothing" if number is None else f"v{number}"
