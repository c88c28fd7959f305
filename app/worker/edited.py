"""What was edited in a bundle: its decision is taken over as an operating point, anything else has to be the model's.

A version decides by the boundary in its weights or by an operating point. An edited boundary becomes the operating
point that decides the same, so that the app and `serve-model` say the same of every part.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from app.services.errors import Refused
from app.services.rule import BOUNDARY, EDITED
from app.serving.bundle import DECISION, MANIFEST, VERSION, Bundle, Rule, Scale
from app.worker.export import described
from bgad_core.config import BGADConfig
from bgad_core.model import BGAD

BOUNDARIES, POINTS = {"boundary.b_n", "boundary.b_a"}, {"operating_point.stop", "operating_point.reject"}
TOLD = 6  # differences in one sentence


@dataclass(frozen=True)
class Edits:
    """What came of an edited decision.json.

    Attributes:
        point: what `decisions.add_operating_point` takes; None where the version decides as it was exported.
        told: a sentence each on what was taken over and on what was not.
    """

    point: dict[str, Any] | None
    told: list[str]


def edits_of(bundle: Bundle) -> Edits:
    """An edited decision, as the operating point that decides as `serve-model` does.

    Raises:
        Refused: no operating point decides so, because its b_n lies above what normal cells are.
    """
    rule, told = bundle.rule, []
    decision = json.loads(bundle.read(DECISION))
    changes = {name: line for name, line in _differences(bundle.manifest["decision"], decision) if name != "what"}
    taken, why = _taken(rule, set(changes))
    point = _point(bundle.name, rule, bundle.exported, bundle.scale) if taken else None
    if point is not None:
        said = _listed([changes[name] for name in changes if name in taken])
        point["reason"] = f"edited in the bundle: {said}"
        lines = f"stopped above the score {point['stop']:.6f}, a defect above {point['reject']:.6f}"
        told.append(f"{DECISION} was edited: {said}; taken over as an operating point: {lines}")
    if taken & BOUNDARIES:
        held = f"b_n {bundle.exported.b_n:.6g} and b_a {bundle.exported.b_a:.6g}"
        told.append(f"the weights still hold {held}: standings, and the queue with them, go by those")
    if left := [line for name, line in changes.items() if name not in taken]:
        told.append(f"{DECISION} was edited: {_listed(left)}; NOT taken over: {why}")
    return Edits(point, told)


def _taken(rule: Rule, changed: set[str]) -> tuple[set[str], str]:
    """(the names of what decides now, why the others don't)."""
    if rule.stop is not None:
        return changed & POINTS, "the operating point's stop and reject decide, and nothing else"
    ended = {name for name in changed if name.startswith("operating_point")}
    return changed & BOUNDARIES | ended, "b_n and b_a decide, and nothing else"


def _point(name: str, rule: Rule, exported: Rule, scale: Scale) -> dict[str, Any]:
    """An operating point that decides as `rule`."""
    facts: dict[str, Any] = {"promise": EDITED, "alpha": None, "confidence": None, "evidence": {}}
    if rule.stop is not None:
        return {**facts, "stop": rule.stop, "reject": rule.reject}
    stop, reject = scale.score(rule.b_n), scale.score(rule.b_a)
    if rule.b_n > scale.median or reject >= 1:
        raise Refused(
            f"the edited boundary of {name}, b_n {rule.b_n:g} and b_a {rule.b_a:g}, is no operating point: b_n has to "
            f"lie at or below what normal places are, {scale.median:g}, and b_a not endlessly below; nothing was "
            f"taken over: edit {DECISION} again"
        )
    if (rule.b_n, rule.b_a) == (exported.b_n, exported.b_a):
        return {**facts, "promise": "boundary", "stop": BOUNDARY, "reject": reject}
    return {**facts, "stop": stop, "reject": reject}


def require_as_the_model(bundle: Bundle, model: BGAD) -> None:
    """Hold what the bundle's other files say of the model against the weights themselves.

    Raises:
        Refused: they differ; each difference with both values.
    """
    manifest, version = bundle.manifest, json.loads(bundle.read(VERSION))
    says = {
        "config": _without_place(bundle.config),
        **{name: manifest[name] for name in ("boundaries", "scale", "backbone_sha256")},
        "preprocessing": _numbers(manifest["preprocessing"]),
        "decision": {"boundary": manifest["decision"]["boundary"]},
    }
    known = described(model)
    holds = {
        "config": _without_place(model.config),
        **{name: known[name] for name in ("boundaries", "scale", "backbone_sha256")},
        "preprocessing": _numbers(known["preprocessing"]),
        "decision": {"boundary": {key: getattr(model.boundary("part"), key) for key in ("b_n", "b_a")}},
    }
    wrong = [f"{MANIFEST} {line}" for _, line in _differences(_stated(holds, says), says)]
    wrong += [
        f"{VERSION} {line}"
        for _, line in _differences({"boundaries": holds["boundaries"]}, {"boundaries": version["boundaries"]})
    ]
    point = version["operating_point"]
    stood = None if point is None or point["promise"] == "boundary" else point
    wrong += [
        f"{MANIFEST} {line} against {VERSION}"
        for _, line in _differences(
            {"operating_point": stood}, {"operating_point": manifest["decision"]["operating_point"]}
        )
    ]
    if wrong:
        raise Refused(
            f"{bundle.name} does not say what its weights do: {_listed(wrong)}; nothing was taken over. Only "
            f"{DECISION} may be edited: export it again"
        )


def _stated(known: Any, says: Any) -> Any:
    """What is known of what a bundle states: one of an older release may state less."""
    if isinstance(known, dict) and isinstance(says, dict):
        return {key: _stated(value, says[key]) for key, value in known.items() if key in says}
    return known


def _without_place(config: BGADConfig) -> dict[str, Any]:
    """A config without where the backbone's weights lay: their digest tells whether they are the same."""
    return replace(config, backbone=replace(config.backbone, weights=None)).to_dict()


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """Without sentences: those may be written anew by a release."""
    return {name: value for name, value in values.items() if not isinstance(value, str)}


def _differences(before: Any, after: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, "name old → new") of every value that is not the same in both; tuples are lists."""
    if {type(before), type(after)} == {dict, type(None)}:
        before, after = before or {}, after or {}
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences(before.get(key), after.get(key), f"{name}.{key}" if name else key)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
        for place, pair in enumerate(zip(before, after, strict=True), start=1):
            yield from _differences(*pair, f"{name}[{place}]")
    elif before != after:
        short = [f"{value:.6g}" if isinstance(value, float) else str(value)[:80] for value in (before, after)]
        old, new = short if short[0] != short[1] else (str(before), str(after))
        yield name, f"{name} {old} → {new}"


def _listed(lines: list[str]) -> str:
    more = len(lines) - TOLD
    return ", ".join(lines[:TOLD]) + (f" and {more} more" if more > 0 else "")
