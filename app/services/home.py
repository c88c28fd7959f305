"""What needs somebody now: the queue by purpose, what a retrain would learn, which version decides."""

from dataclasses import dataclass

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.drift import open_alarms
from app.services.retrain import learnt_since, training_data
from app.services.rule import rule_of
from storage import annotations, images, scores, versions
from storage.models import Role, Standing


@dataclass(frozen=True)
class HomeView:
    """Counts for one project.

    Attributes:
        images, unlabelled: in the project, and those without a standing label.
        waiting_defect, waiting_margin: scored, not labelled, beyond or near what the deciding version decides by.
        unscored: images that the deciding version has not seen.
        new_normals, new_anomalies: labels that the deciding version has not learnt from.
        version_number: the deciding version's, None before day one.
        newest_number: the latest version's; another than the deciding one waits for a decision.
        alarms: (version number, what drifted) of the deciding and the newest version.
    """

    name: str
    built_in: bool
    images: int
    unlabelled: int
    waiting_defect: int
    waiting_margin: int
    unscored: int
    new_normals: int
    new_anomalies: int
    version_number: int | None
    newest_number: int | None
    known_anomalies: int
    alarms: list[tuple[int, str]]


def home_view(context: Context, actor: Actor, project_slug: str) -> HomeView:
    """Raises Refused for an unknown project."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        count = images.count_images(session, project.id)
        said = sum(annotations.counts(session, project.id).values())
        version = versions.deciding_version(session, project.id)
        newest = next(iter(versions.versions(session, project.id)), None)
        cut = rule_of(session, version).cut if version else None
        waiting = scores.counts_by_standing(session, version.id, labelled=False, cut=cut) if version else {}
        unscored = scores.count_unscored(session, version.id, project.id) if version else 0
        new_normals, new_anomalies = learnt_since(training_data(session, project.id), version)
        alarms = open_alarms(session, project.id)
    return HomeView(
        name=project.name,
        built_in=bool(project.settings.get("built_in")),
        images=count,
        unlabelled=count - said,
        waiting_defect=waiting.get(Standing.defect, 0),
        waiting_margin=waiting.get(Standing.margin, 0),
        unscored=unscored,
        new_normals=new_normals,
        new_anomalies=new_anomalies,
        version_number=version.number if version else None,
        newest_number=newest.number if newest else None,
        known_anomalies=version.known_anomalies if version else 0,
        alarms=alarms,
    )
