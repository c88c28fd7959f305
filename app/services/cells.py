"""Cells of a CSV that somebody opens in a spreadsheet: what people typed stays text there."""

RISKY = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a cell that begins so for a formula


def inert(cell: str) -> str:
    """A cell as text: a leading apostrophe keeps a spreadsheet from running what somebody typed as a name."""
    return f"'{cell}" if cell.startswith(RISKY) else cell
