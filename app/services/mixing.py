"""What the queue wants next and why: purposes in fixed shares, no two alike in a row. Arithmetic on few candidates.

A queue that only asked for likely defects would never learn where the boundary is wrong, and nobody would know what it
lets pass. The shares are a decision of ours, not fitted to any data set; a project may set the audit's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from app.services.rule import Rule
from storage.models import Standing
from storage.pool import Candidate

Purpose = Literal["first", "defect", "boundary", "new", "audit", "check"]
SHARES: dict[Purpose, float] = {"defect": 0.35, "boundary": 0.25, "new": 0.15, "audit": 0.15, "check": 0.10}
WORDS: dict[Purpose, str] = {
    "first": "first labels",
    "defect": "likely defect",
    "boundary": "near the boundary",
    "new": "new kind?",
    "audit": "audit",
    "check": "label check",
}
REMEMBERED = 40  # of the last labels: what the shares are kept over
ALIKE = 0.25  # nearer than this part of the candidates' typical distance counts as near-identical
BACK = 6  # how many images before it one must not repeat


def purpose_of(standing: Standing, novelty: float | None) -> Purpose | None:
    """What an image is good for by its own facts; None for a calm part, which only the audit asks for."""
    if novelty is not None and novelty > 1 and standing is not Standing.defect:
        return "new"
    by_standing: dict[Standing, Purpose] = {Standing.defect: "defect", Standing.margin: "boundary"}
    return by_standing.get(standing)


def purpose_words(rule: Rule) -> dict[Purpose, str]:
    """Every purpose in two or three words; what is nearest to decide is named by what decides."""
    return {**WORDS, "boundary": f"near the {rule.name}"}


def why(candidate: Candidate, purpose: Purpose, spread: float, rule: Rule) -> str:
    """One line for a person: the figure that this purpose goes by.

    Args:
        spread: the distance from the median good part to b_n, the unit of `distance`.
        rule: what decides: where it is an operating point, the score above which it stops takes b_n's place.
    """
    if purpose == "defect":
        line = "0.50 is the boundary" if rule.point is None else f"above {rule.stop:.3f} is stopped"
        return f"score {candidate.score:.2f}, {line}"
    if purpose == "boundary" and rule.point is not None:
        side = "above" if candidate.score > rule.stop else "below"
        away = abs(candidate.score - rule.stop)
        return f"its score lies {away:.3f} {side} {rule.stop:.3f}, above which parts are stopped"
    if purpose == "boundary":
        side = "above" if candidate.standing is Standing.normal else "below"
        doubtful = f", {candidate.margin:.1%} of it in the margin" if candidate.margin else ""
        away = candidate.distance / max(spread, 1e-9)
        return f"its worst place lies {away:.2f} of a good part's spread {side} b_n{doubtful}"
    if purpose == "new":
        return f"{candidate.novelty or 0:.1f} times as far from all that is labelled as labelled parts lie apart"
    if purpose == "audit":
        return "drawn by lot from the parts that pass, to see what is missed"
    if purpose == "check":
        return f"labelled normal, but this version scores it {candidate.score:.2f}"
    return "no version ranks the images yet: normal parts are needed first"


def shares_with(audit: float) -> dict[Purpose, float]:
    """The shares when the audit has this one, in [0, 1): the others keep their proportions and make it up to 1."""
    rest = (1 - audit) / (1 - SHARES["audit"])
    return {purpose: audit if purpose == "audit" else rest * share for purpose, share in SHARES.items()}


def mixed(
    candidates: Mapping[Purpose, Sequence[Candidate]],
    *,
    done: Sequence[str],
    length: int,
    shares: Mapping[Purpose, float] = SHARES,
) -> list[tuple[Purpose, Candidate]]:
    """The next images: each place goes to the purpose that is furthest behind its share.

    Args:
        candidates: per purpose, in its own order, the best first.
        shares: of the purposes; one whose share is 0 is left out.
        done: purposes of the last labels; they count, so that the shares hold over a day and not only over a page.
        length: how many to choose at most.
    """
    counts = Counter(done)
    left = {purpose: list(found) for purpose, found in candidates.items() if shares[purpose] > 0}
    chosen: list[tuple[Purpose, Candidate]] = []
    limit = alike_below([candidate for found in candidates.values() for candidate in found])
    taken: set[int] = set()
    while len(chosen) < length:
        for found in left.values():
            found[:] = [candidate for candidate in found if candidate.image_id not in taken]
        open_ones = [purpose for purpose, found in left.items() if found]
        if not open_ones:
            break
        purpose = min(open_ones, key=lambda name: (counts[name] + 1) / shares[name])
        before = [candidate for _, candidate in chosen[-BACK:]]
        picked = left[purpose][0] if purpose == "audit" else _unlike(left[purpose], before, limit)
        counts[purpose] += 1
        taken.add(picked.image_id)
        chosen.append((purpose, picked))
    return chosen


def alike_below(candidates: Sequence[Candidate]) -> float:
    """The distance below which two images count as near-identical: a part of the median one; 0 without descriptors."""
    vectors = [vector(candidate) for candidate in candidates[:200] if candidate.descriptor]
    if len(vectors) < 3:
        return 0.0
    stacked = np.stack(vectors)
    apart = np.linalg.norm(stacked[:, None] - stacked[None], axis=2)[np.triu_indices(len(stacked), 1)]
    return ALIKE * float(np.median(apart))


def vector(candidate: Candidate) -> np.ndarray:
    """A candidate's descriptor, float32 (D,)."""
    return np.frombuffer(candidate.descriptor or b"", dtype=np.float16).astype(np.float32)


def _unlike(found: Sequence[Candidate], before: Sequence[Candidate], limit: float) -> Candidate:
    """The first that is like none of those before it; the first of all where each is."""
    seen = [vector(candidate) for candidate in before if candidate.descriptor]
    for candidate in found:
        mine = vector(candidate) if candidate.descriptor else None
        if mine is None or all(float(np.linalg.norm(mine - other)) >= limit for other in seen):
            return candidate
    return found[0]
