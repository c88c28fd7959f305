"""What a use case answers when it will not do what was asked."""


class Refused(Exception):
    """A sentence for the person who asked: what is wrong, with the values, and what to do next."""


def shortly(text: str, longest: int = 300) -> str:
    """One printable line of it: what a decoder or a stranger's file says may hold anything."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
