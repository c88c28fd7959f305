"""Does learning from known defects hurt types that nobody knows yet? A paired test for the bias check."""

from collections.abc import Sequence

from scipy.special import bdtrc

HURTS = 0.1  # p below which a loss is a warning: missing a bias costs more than looking twice


def hurt(before: Sequence[bool], after: Sequence[bool]) -> tuple[int, int, float]:
    """Whether `after` stops fewer of the same defects than `before`.

    Args:
        before: for each defect of the unseen type, whether the normal-only model stops it.
        after: the same for the model that learnt from the other types.

    Returns:
        (defects lost, defects gained, p): McNemar's exact test, one-sided; 1.0 where nothing changed.

    Raises:
        ValueError: not the same number of defects.
    """
    lost = sum(a and not b for a, b in zip(before, after, strict=True))
    gained = sum(b and not a for a, b in zip(before, after, strict=True))
    changed = lost + gained
    return lost, gained, float(bdtrc(lost - 1, changed, 0.5)) if lost else 1.0
