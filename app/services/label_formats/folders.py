"""Names of types as names of folders and files, and back: every name survives, and none leads anywhere."""

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, unquote

UNSAFE = set('<>:"/\\|?*%')
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def folder_of(name: str) -> str:
    """A folder's name for a type: its own letters, but for those that some file system refuses, in percent code."""
    kept = [quote(letter, safe="") if letter in UNSAFE or not letter.isprintable() else letter for letter in name]
    if name[0] in ". " or name.partition(".")[0].casefold() in DEVICES:
        kept[0] = _coded(name[0])
    if name[-1] in ". ":
        kept[-1] = _coded(name[-1])
    return "".join(kept)


def folders_of(names: Iterable[str]) -> dict[str, str]:
    """A folder's name for each type; types that differ in their case alone get folders that differ in more."""
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        folder = folder_of(name)
        if folder.casefold() in {other.casefold() for other in found.values()}:
            folder = "".join(map(_coded, name))
        found[name] = folder
    return found


def type_of(folder: str) -> str:
    """The type's name that a folder stands for: of percent code only what `folders_of` writes."""
    name = unicodedata.normalize("NFC", unquote(folder, errors="strict"))
    return name if name and folder in (folder_of(name), "".join(map(_coded, name))) else folder


def _coded(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())
