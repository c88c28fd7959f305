"""Which part of the mixed queue is drawn by lot: the project's own share, that nobody switches off without a word.

The audit is the only look at what the version passes. Without it nobody knows how many defects escape, so that the
pages say since when and why there is none.
"""

from dataclasses import dataclass
from datetime import datetime

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.mixing import SHARES
from storage import audit
from storage.models import Project, Role, now

MOST = 0.5
LONGEST = 120  # characters of a reason
SETTING, OFF = "audit_share", "audit_off"


@dataclass(frozen=True)
class NoAudit:
    """Why a project draws no audit, who decided it, and when."""

    since: datetime
    by: str
    reason: str


@dataclass(frozen=True)
class AuditShare:
    """The audit's part of the mixed queue, 0 to 0.5; `off` stands exactly when it is 0."""

    share: float
    off: NoAudit | None = None


def share_of(project: Project) -> AuditShare:
    """The project's share; the queue's own where nobody set one."""
    share = float(project.settings.get(SETTING, SHARES["audit"]))
    off = project.settings.get(OFF) if share == 0 else None
    return AuditShare(share, NoAudit(datetime.fromisoformat(off["since"]), off["by"], off["reason"]) if off else None)


def audit_share(context: Context, actor: Actor, project_slug: str) -> AuditShare:
    with context.database.read() as session:
        return share_of(project_of(session, actor, project_slug, Role.viewer))


def set_audit_share(context: Context, actor: Actor, project_slug: str, share: float, *, reason: str = "") -> None:
    """Draw another part of the mixed queue by lot.

    Raises:
        Refused: a share outside 0 to 0.5, or 0 without a reason.
    """
    reason = reason.strip()
    if not 0 <= share <= MOST:
        raise Refused(f"an audit share of {share:.0%} is not from 0 to {MOST:.0%}: choose another")
    if len(reason) > LONGEST:
        raise Refused(f"the reason has {len(reason)} characters and {LONGEST} are kept: say it in fewer")
    if share == 0 and not reason:
        raise Refused("without an audit nobody learns what passes unseen: give the reason for a share of 0 %")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        before = share_of(project).off
        off = {"since": (before.since if before else now()).isoformat(), "by": actor.name, "reason": reason}
        project.settings = {**project.settings, SETTING: share, OFF: off if share == 0 else None}
        details = {"share": share, "reason": reason}
        audit.record(session, by=actor.name, action="audit share", details=details, project_id=project.id)
