"""Who may do what in one project: its engineers and the admins give and take roles."""

from dataclasses import dataclass
from datetime import datetime

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import accounts, audit, members
from storage.models import Role

ROLES = (Role.viewer, Role.inspector, Role.reviewer, Role.engineer)  # admin belongs to no project


@dataclass(frozen=True)
class Member:
    """One account's role in a project, and who gave it when."""

    name: str
    role: Role
    by: str
    at: datetime
    disabled: bool


def members_of(context: Context, actor: Actor, project_slug: str) -> list[Member]:
    """Everybody with a role in the project, by name. Admins without one may do everything there as well."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        rows = members.members(session, project.id)
    return [Member(account.name, row.role, row.by, row.created_at, account.disabled) for account, row in rows]


def set_role(context: Context, actor: Actor, project_slug: str, name: str, role: Role | None) -> None:
    """Give somebody a role in the project from this moment on, or take it away (None).

    Raises:
        Refused: no such account, the role is admin, or nothing would change for somebody without a role.
    """
    if role is not None and role not in ROLES:
        raise Refused(f"{role.name} belongs to no project: choose {', '.join(r.name for r in ROLES)}")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        account = accounts.account_by_name(session, name.strip())
        if account is None:
            raise Refused(f"there is no account {name[:80]!r}: an admin makes it on the People page first")
        before = members.set_role(session, account_id=account.id, project_id=project.id, role=role, by=actor.name)
        if role is None and before is None:
            raise Refused(f"{name} has no role in {project_slug}: nothing was taken away")
        details = {
            "name": account.name,
            "before": before.name if before else None,
            "role": role.name if role else None,
        }
        audit.record(session, by=actor.name, action="set role", details=details, project_id=project.id)
