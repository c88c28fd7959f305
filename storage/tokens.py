"""Tokens for scripts: one project each, some scopes, an end. Functions on a Session; none commits."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.account_rows import Account, ApiToken, Membership
from storage.clock import there
from storage.models import Project, Role


def add_token(
    session: Session,
    *,
    account_id: int,
    project_id: int,
    name: str,
    scopes: Sequence[str],
    token_sha256: str,
    lasts: timedelta,
) -> ApiToken:
    row = ApiToken(
        account_id=account_id,
        project_id=project_id,
        name=name[:80],
        scopes=sorted(scopes),
        token_sha256=token_sha256,
        created_at=there(),
        expires_at=there(lasts),
    )
    session.add(row)
    session.flush()
    return row


def usable(session: Session, token_sha256: str) -> tuple[ApiToken, Account] | None:
    """The token and its account; None when it is unknown, revoked or expired, or the account is closed."""
    row = session.execute(
        select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(
            ApiToken.token_sha256 == token_sha256,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > there(),
            Account.disabled.is_(False),
        )
    ).first()
    return None if row is None else (row[0], row[1])


def role_behind(session: Session, token: ApiToken, account: Account) -> Role | None:
    """What the token's account may do in the token's project at this moment."""
    if account.admin:
        return Role.admin
    membership = session.get(Membership, (account.id, token.project_id))
    return membership.role if membership else None


def tokens(
    session: Session, *, account_id: int | None = None, project_id: int | None = None
) -> Sequence[tuple[ApiToken, Account, Project]]:
    """Tokens that nobody revoked, the latest first: of an account, of a project, or all."""
    query = (
        select(ApiToken, Account, Project)
        .join(Account, Account.id == ApiToken.account_id)
        .join(Project, Project.id == ApiToken.project_id)
        .where(ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    )
    if account_id is not None:
        query = query.where(ApiToken.account_id == account_id)
    if project_id is not None:
        query = query.where(ApiToken.project_id == project_id)
    return [(token, account, project) for token, account, project in session.execute(query)]


def revoke(session: Session, token: ApiToken) -> None:
    """End it at this moment by the database's clock."""
    token.revoked_at = there()
    session.flush()
