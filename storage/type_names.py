"""Names of defect types: kept as they are given, refused where a file or a page would read something else."""

import unicodedata

from storage.errors import BadName
from storage.text import is_text

LONGEST = 80
NORMAL_WORDS = frozenset({"normal", "good", "ok"})  # each says that a part is normal, in any case
UNSURE = "unsure"
UNTYPED = "defect"  # what files call a defect without a type
DONT_CARE = "dont_care"  # what files call pixels that nobody judges
RESERVED = NORMAL_WORDS | {UNSURE, UNTYPED, DONT_CARE}


def folded(name: str) -> str:
    """A name as it is compared with words: without case and without spaces around it."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def type_name(given: object) -> str:
    """A type's name as it is stored: in Unicode's composed form, without spaces around it, and otherwise as it is.

    Raises:
        BadName: it is no text, empty, longer than `LONGEST`, has characters that not every file can hold, or is a word
            that says something else of a part.
    """
    if not isinstance(given, str):
        raise BadName(f"a type's name is a text, this is {given!r:.60}")
    name = unicodedata.normalize("NFC", given).strip()
    if not name:
        raise BadName("a type's name is empty: give it one")
    if len(name) > LONGEST:
        raise BadName(f"the type “{name[:20]}…” has {len(name)} characters: {LONGEST} are the most")
    if not all(map(is_text, name)):
        raise BadName(f"the type {name!a} has characters that are no text: leave them out")
    if folded(name) in RESERVED:
        raise BadName(f"“{name}” is no type, it says something of the whole part: call the type otherwise")
    return name
