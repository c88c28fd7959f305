"""Shares of parts with what their number allows to say."""

import math
from dataclasses import dataclass

Z = 1.959964  # 95 %


@dataclass(frozen=True)
class Share:
    """`count` of `total`, with Wilson's 95 % interval; the interval of nothing seen is everything."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        if self.total == 0:
            return 0.0, 1.0
        share, n = self.count / self.total, self.total
        middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def words(self) -> str:
        """Such as "22 of 23 (79 to 99 %)"."""
        if self.total == 0:
            return "none seen"
        low, high = self.interval
        return f"{self.count} of {self.total} ({100 * low:.0f} to {100 * high:.0f} %)"


def normals_needed(alpha: float, confidence: float | None) -> int:
    """The fewest calibration normals that carry `alpha`; `bgad_core.calibration` has the same, which a test holds."""
    if confidence is None:
        return math.ceil(1 / alpha - 1 - 1e-9)
    return math.ceil(math.log(1 - confidence) / math.log(1 - alpha) - 1e-9)
