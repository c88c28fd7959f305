"""The certificate of a version: everything that a quality file wants to know of it, as it stands now."""

from dataclasses import dataclass
from datetime import datetime

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.drift import Judgement, judgements
from app.services.impact import promotions_of
from app.services.operating import ASSUMPTION, Consequence, operating_view, standing_consequence
from app.services.review import Histogram, VersionView, likelihood_histograms, versions_view
from app.services.verify import Verification, verifications
from storage.errors import NotFound
from storage.models import OperatingPoint, Promotion, Role, now

__all__ = ["ASSUMPTION", "Certificate", "certificate"]


@dataclass(frozen=True)
class Certificate:
    """One version; `made` is when this was put together, because labels and rules go on."""

    project: str
    made: datetime
    asked_by: str
    version: VersionView
    point: OperatingPoint | None
    does: Consequence
    histograms: dict[str, Histogram]
    drift: Judgement | None
    verified: Verification | None
    promotions: list[Promotion]


def certificate(context: Context, actor: Actor, project_slug: str, number: int) -> Certificate:
    """Raises NotFound when the project has no version of that number."""
    with context.database.read() as session:
        name = project_of(session, actor, project_slug, Role.viewer).name
    version = next((v for v in versions_view(context, actor, project_slug) if v.number == number), None)
    if version is None:
        raise NotFound(f"this project has no version v{number}: look at the Versions page")
    promotions = promotions_of(context, actor, project_slug)
    return Certificate(
        project=name,
        made=now(),
        asked_by=actor.name,
        version=version,
        point=operating_view(context, actor, project_slug, number).standing.point,
        does=standing_consequence(context, actor, project_slug, number),
        histograms=likelihood_histograms(context, actor, project_slug, number),
        drift=next((j for j in judgements(context, actor, project_slug) if j.number == number), None),
        verified=verifications(context, actor, project_slug).get(number),
        promotions=[row for row, promoted in promotions if promoted == number],
    )
