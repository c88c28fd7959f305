"""Accounts: who may sign in at all, and who of them is an admin. Roles in projects are in `members`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from app.services.sign_in import LONGEST
from storage import accounts, audit, images, members
from storage.account_rows import Account
from storage.errors import NotFound
from storage.models import Project, Role

SHORTEST_PASSWORD = 10


@dataclass(frozen=True)
class Person:
    """An account as an admin sees it; `roles` by project slug, empty for an admin, who needs none."""

    name: str
    admin: bool
    disabled: bool
    created_at: datetime
    roles: dict[str, Role]


def create_account(
    context: Context,
    actor: Actor,
    *,
    name: str,
    password: str,
    role: Role | None,
    projects: Sequence[str] | None = None,
) -> Account:
    """Let somebody in.

    Args:
        role: theirs in `projects`, or admin; None when somebody gives it later.
        projects: slugs; None is every project that there is now.

    Raises:
        Refused: no name, a password that is too short or too long, or an unknown project.
        Conflict: the name is taken.
    """
    with context.database.read() as session:
        require(session, actor, Role.admin)
    name = usable_name(name)
    hashed = hashed_password(password)
    with context.database.write() as session:
        require(session, actor, Role.admin)
        account = accounts.create_account(session, name=name, password_hash=hashed, admin=role is Role.admin)
        chosen = [] if role in (None, Role.admin) else _projects(session, projects)
        for project in chosen:
            members.set_role(session, account_id=account.id, project_id=project.id, role=role, by=actor.name)
        details = {"name": name, "role": role.name if role else None, "projects": [p.slug for p in chosen]}
        audit.record(session, by=actor.name, action="create account", details=details)
    return account


def people(context: Context, actor: Actor) -> list[Person]:
    """Every account, by name; for admins."""
    with context.database.read() as session:
        require(session, actor, Role.admin)
        return [_person(session, account) for account in accounts.accounts(session)]


def set_password(context: Context, actor: Actor, name: str, password: str) -> None:
    """Give somebody a new password and sign them out everywhere; for admins."""
    hashed = hashed_password(password)
    with context.database.write() as session:
        require(session, actor, Role.admin)
        accounts.set_password(session, _account(session, name).id, hashed)
        audit.record(session, by=actor.name, action="set password", details={"name": name})


def set_admin(context: Context, actor: Actor, name: str, *, admin: bool) -> None:
    """Make somebody an admin, or end it.

    Raises:
        Refused: it is the last admin.
    """
    with context.database.write() as session:
        require(session, actor, Role.admin)
        account = _account(session, name)
        was, account.admin = account.admin, admin
        if was:
            _keep_an_admin(session, account)
        audit.record(session, by=actor.name, action="set admin", details={"name": name, "admin": admin})


def set_disabled(context: Context, actor: Actor, name: str, *, disabled: bool) -> None:
    """Close an account, signing it out everywhere, or open it again.

    Raises:
        Refused: it is the last admin.
    """
    with context.database.write() as session:
        require(session, actor, Role.admin)
        account = _account(session, name)
        (accounts.disable if disabled else accounts.enable)(session, account.id)
        if account.admin:
            _keep_an_admin(session, account)
        action = "disable account" if disabled else "enable account"
        audit.record(session, by=actor.name, action=action, details={"name": name})


def usable_name(name: str) -> str:
    """The name as it is kept; Refused when it cannot be one."""
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise Refused(f"the name {name[:80]!r} cannot be used: give 1 to 80 printable characters")
    return name


def hashed_password(password: str) -> str:
    """argon2id; Refused when the password is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST:
        raise Refused(
            f"the password has {len(password)} characters: use {SHORTEST_PASSWORD} to {LONGEST}, a sentence is fine"
        )
    return PasswordHasher().hash(password)


def _projects(session: Session, slugs: Sequence[str] | None) -> Sequence[Project]:
    known = {project.slug: project for project in images.projects(session)}
    if unknown := [slug for slug in slugs or () if slug not in known]:
        raise Refused(f"there is no project {unknown[0]!r} (there is: {', '.join(known) or 'none yet'})")
    return list(known.values()) if slugs is None else [known[slug] for slug in slugs]


def _person(session: Session, account: Account) -> Person:
    roles = {} if account.admin else {project.slug: role for project, role in members.roles_of(session, account.id)}
    return Person(account.name, account.admin, account.disabled, account.created_at, roles)


def _account(session: Session, name: str) -> Account:
    if (account := accounts.account_by_name(session, name.strip())) is None:
        raise NotFound(f"there is no account {name!r}: look at the People page, or `bgad-inspect user list`")
    return account


def _keep_an_admin(session: Session, account: Account) -> None:
    session.flush()
    if accounts.admins(session) == 0:
        raise Refused(f"{account.name} is the last admin: make somebody else an admin first")
