"""Who may do what in which project. Functions on a Session; none commits."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from storage.account_rows import Account, Membership, SignIn
from storage.clock import there
from storage.models import Project, Role, now


def set_role(session: Session, *, account_id: int, project_id: int, role: Role | None, by: str) -> Role | None:
    """Give an account a role in a project, or take it away (None); the role that stood before."""
    row = session.get(Membership, (account_id, project_id))
    before = row.role if row else None
    if role is None:
        session.execute(delete(Membership).where(Membership.account_id == account_id, _of(project_id)))
    elif row is None:
        session.add(Membership(account_id=account_id, project_id=project_id, role=role, by=by))
    else:
        row.role, row.by, row.created_at = role, by, now()
    session.flush()
    return before


def members(session: Session, project_id: int) -> Sequence[tuple[Account, Membership]]:
    """Accounts with a role in a project, by name; admins without one are not among them."""
    query = select(Account, Membership).join(Membership, Membership.account_id == Account.id).where(_of(project_id))
    return [(account, row) for account, row in session.execute(query.order_by(Account.name))]


def roles_of(session: Session, account_id: int) -> Sequence[tuple[Project, Role]]:
    """The projects of an account with its role in each, by name."""
    query = select(Project, Membership.role).join(Membership, Membership.project_id == Project.id)
    rows = session.execute(query.where(Membership.account_id == account_id).order_by(Project.name))
    return [(project, role) for project, role in rows]


def highest_role(session: Session, account: Account) -> Role | None:
    """The most that an account may do anywhere; None when nobody gave it a role yet."""
    if account.admin:
        return Role.admin
    roles = session.scalars(select(Membership.role).where(Membership.account_id == account.id).distinct()).all()
    return max(roles, key=lambda role: role.value, default=None)


def standing(session: Session, token_sha256: str, project_id: int) -> tuple[bool, Role | None]:
    """(whether a sign-in stands at this moment, its role in a project), read in one go."""
    row = session.execute(
        select(Account.admin, Membership.role)
        .join(SignIn, SignIn.account_id == Account.id)
        .outerjoin(Membership, (Membership.account_id == Account.id) & _of(project_id))
        .where(
            SignIn.token_sha256 == token_sha256,
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > there(),
            Account.disabled.is_(False),
        )
    ).first()
    if row is None:
        return False, None
    return True, Role.admin if row[0] else row[1]


def visible_projects(session: Session, account: Account) -> Sequence[Project]:
    """The projects in which an account has a role, all of them for an admin; by name."""
    query = select(Project).order_by(Project.name)
    if not account.admin:
        mine = select(Membership.project_id).where(Membership.account_id == account.id)
        query = query.where(Project.id.in_(mine))
    return session.scalars(query).all()


def _of(project_id: int) -> ColumnElement[bool]:
    return Membership.project_id == project_id
