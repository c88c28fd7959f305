"""The gate before a promotion: no confirmed defect lost, no type missed too often, not too many good parts stopped."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.proportions import Share
from storage import audit
from storage.models import Project, Role


@dataclass(frozen=True)
class Gate:
    """What a project asks of a version before it decides.

    Attributes:
        lost: confirmed defects that the deciding version stops and the new one may pass.
        recall_floor: the least share of each type's defects that it stops.
        false_alarm_ceiling: the largest share of good parts that it stops.
        least: images below which a share is shown and not judged.
    """

    lost: int = 0
    recall_floor: float = 0.5
    false_alarm_ceiling: float = 0.1
    least: int = 5


@dataclass(frozen=True)
class Check:
    """One question of the gate; `passed` is None where too few images answer it."""

    name: str
    passed: bool | None
    words: str


def gate_of(project: Project) -> Gate:
    """The project's gate; what nobody set is as above."""
    return Gate(**project.settings.get("gate", {}))


def project_gate(context: Context, actor: Actor, project_slug: str) -> Gate:
    with context.database.read() as session:
        return gate_of(project_of(session, actor, project_slug, Role.viewer))


def set_gate(context: Context, actor: Actor, project_slug: str, gate: Gate) -> None:
    """Ask something else of the next versions.

    Raises:
        Refused: a share that is none, or a number below 0.
    """
    if not (0 <= gate.recall_floor <= 1 and 0 <= gate.false_alarm_ceiling <= 1):
        raise Refused(f"{gate.recall_floor:g} and {gate.false_alarm_ceiling:g} have to be shares between 0 and 1")
    if gate.lost < 0 or gate.least < 1:
        raise Refused(f"{gate.lost} lost defects and {gate.least} images: at least 0 and 1")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        project.settings = {**project.settings, "gate": asdict(gate)}
        audit.record(session, by=actor.name, action="set gate", details=asdict(gate), project_id=project.id)


def checks(
    gate: Gate,
    *,
    lost: int,
    confirmed: int,
    recalls: tuple[dict[str, Share], dict[str, Share]],
    alarms: tuple[Share, Share],
) -> list[Check]:
    """The gate's answers; pairs are (new version, deciding version) on images that the new one was not made from.

    A share that misses its limit still passes where the deciding version does no better: keeping what is worse would
    help nobody.
    """
    answer = None if confirmed == 0 else lost <= gate.lost
    words = f"{lost} of {confirmed} confirmed defects that are stopped now would pass (at most {gate.lost})"
    found = [Check("confirmed defects", answer, words)]
    new, old = recalls
    found += [_recall(gate, name, share, old.get(name, Share(0, 0))) for name, share in new.items()]
    found.append(_alarms(gate, *alarms))
    return found


def failed(found: Sequence[Check]) -> list[Check]:
    return [check for check in found if check.passed is False]


def gate_words(kept: dict | None, by: str) -> str:
    """What the gate said before a promotion, in a record's words: what was computed, and who went past what failed.

    Args:
        kept: what the promotion keeps: `checks`, and whether they were `overridden`; None where nothing was computed.
        by: who promoted.
    """
    if kept is None:
        return "not computed"
    found = [Check(**check) for check in kept["checks"]]
    if against := failed(found):
        numbers = "; ".join(f"{check.name}: {check.words}" for check in against)
        then = f"overridden by {by}" if kept["overridden"] else f"rolled back by {by}, which no gate holds back"
        return f"failed, {then}: {numbers}"  # who went past it first: a table cuts what is long
    open_ = [check.name for check in found if check.passed is None]
    if len(open_) == len(found):
        return "not judged: too few images"
    return f"passed, but too few images to judge {', '.join(open_)}" if open_ else "passed"


def carried_words(kept: dict | None) -> str:
    """What became of the operating point in a promotion, in a record's words; "" where no point was concerned."""
    return str(((kept or {}).get("operating_point") or {}).get("words", ""))


def _recall(gate: Gate, name: str, share: Share, before: Share) -> Check:
    words = f"{share.words()} stopped, before {before.words()}; at least {100 * gate.recall_floor:.0f} % are asked for"
    if share.total < gate.least or share.value is None:
        return Check(f"recall of {name}", None, f"{words}. Fewer than {gate.least} images, so not judged")
    if share.value >= gate.recall_floor:
        return Check(f"recall of {name}", True, words)
    return _no_worse(f"recall of {name}", share.value >= (before.value or 0.0), words)


def _alarms(gate: Gate, share: Share, before: Share) -> Check:
    ceiling = gate.false_alarm_ceiling
    words = f"{share.words()} stopped, before {before.words()}; at most {100 * ceiling:.0f} % are asked for"
    if share.total < gate.least or share.value is None:
        return Check("good parts", None, f"{words}. Fewer than {gate.least} images, so not judged")
    if share.value <= ceiling:
        return Check("good parts", True, words)
    return _no_worse("good parts", before.value is None or share.value <= before.value, words)


def _no_worse(name: str, holds: bool, words: str) -> Check:
    return Check(name, holds, words + (". Missed, but no worse than what decides now" if holds else ""))
