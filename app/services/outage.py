"""The database may be away for a while: nobody's mistake, nothing lost, and it passes."""

import logging

log = logging.getLogger(__name__)

WORDS = "the database does not answer just now. What was confirmed is kept; try again in a moment"


def noted(error: Exception) -> str:
    """Log an outage in a line, for whoever runs the database, and give the words for everybody else."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    log.warning("the database does not answer: %s", lines[0] if lines else type(error).__name__)
    return WORDS
