"""Text that both databases, XML and a page can hold: names are made so, all other text is refused if it isn't.

PostgreSQL holds no NUL, neither database holds half of a character (a lone surrogate), XML holds no control characters.
"""

import re
import unicodedata

from storage.errors import BadText

NOT_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, line ends
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def is_text(letter: str) -> bool:
    """Whether one character can be shown in a line and written to XML."""
    return unicodedata.category(letter) not in NOT_TEXT and letter not in "\ufffe\uffff"


def visible(name: str) -> str:
    r"""A name as it came, with whatever is no text made visible; a backslash of its own stays as it is.

    A control character below U+0080 becomes `\x01`, a byte of a file system that is not UTF-8 (as `os.fsdecode` gives
    it) `\xe9`, all else `\u0085`. Text stays as it is, so that a second time changes nothing.
    """
    if name.isprintable():
        return name
    return "".join(letter if is_text(letter) else _escape(ord(letter)) for letter in name)


def check_storable(text: str) -> None:
    """Raises BadText when not every database can hold the text."""
    if found := UNSTORABLE.search(text):
        raise BadText(f"the text {text[:40]!a} has {found.group()!a}, which is no character: leave it out")


def _escape(code: int) -> str:
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's way to keep the byte code - 0xDC00
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"
