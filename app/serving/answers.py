"""The shapes of what a served model answers, as its OpenAPI description shows them."""

import base64
from typing import Literal

from pydantic import BaseModel, Field

from app.serving.scorer import Scored


class Place(BaseModel):
    """One place that is stopped, in pixels of the image that was sent (upright)."""

    left: int
    top: int
    width: int
    height: int
    area: int = Field(description="pixels of the place itself, which does not fill its box")
    score: float = Field(description="of its worst cell")


class Answer(BaseModel):
    """What one image is."""

    score: float = Field(description="in [0, 1), higher is more abnormal; 0.5 is the boundary b_n as exported")
    decision: Literal["good", "look", "defect"]
    standing: Literal["normal", "margin", "defect"] = Field(description="against the boundary, whatever decides")
    lowest_log_p: float = Field(description="lowest fused log-likelihood; higher is more normal")
    regions: list[Place] = Field(description="the worst first; none on a good part")
    width: int
    height: int
    project: str
    version: int
    map: str | None = Field(None, description="base64 of a grey PNG of the image's size: 255 times a place's score")


class Problem(BaseModel):
    """Why there is no answer, in one sentence."""

    detail: str


class Health(BaseModel):
    """What is served."""

    status: Literal["ok", "busy"]
    project: str
    version: int
    engine: str
    decision: Literal["exported", "edited"]
    self_test: int = Field(description="images that scored here as they did in the tool")


def answer_of(scored: Scored, *, project: str, version: int, heat: bytes | None) -> Answer:
    """A scored image as it travels."""
    places = [
        Place(left=r.box[0], top=r.box[1], width=r.box[2], height=r.box[3], area=r.area, score=r.score)
        for r in scored.regions
    ]
    return Answer(
        score=scored.score,
        decision=scored.decision,  # type: ignore[arg-type]
        standing=scored.standing,
        lowest_log_p=scored.lowest,
        regions=places,
        width=scored.width,
        height=scored.height,
        project=project,
        version=version,
        map=None if heat is None else base64.b64encode(heat).decode(),
    )
