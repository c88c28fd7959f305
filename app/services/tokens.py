"""Tokens for scripts: made by somebody for one project, shown once, never more than that person, ended at will."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import MOST, Actor, account_of, capped
from app.services.context import Context
from app.services.errors import Refused
from app.services.sign_in import digest_of
from storage import accounts, audit, tokens
from storage.account_rows import ApiToken
from storage.errors import NotFound

SCOPES = tuple(MOST)
PREFIX = "bgad_"  # so that a scanner of leaked secrets knows one when it sees it
LONGEST = 366  # days


@dataclass(frozen=True)
class TokenView:
    """A token as its owner sees it; the token itself is nowhere."""

    id: int
    name: str
    owner: str
    project: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime


def create_token(
    context: Context,
    actor: Actor,
    project_slug: str,
    *,
    name: str,
    scopes: Sequence[str],
    days: int = 90,
    owner: str | None = None,
) -> str:
    """Make a token and return it, this once.

    Args:
        owner: whose it is, for the command line; a person makes their own alone.

    Raises:
        Refused: no name, an unknown scope, or an end that is not within a year.
        NotAllowed: a scope needs a higher role than the actor has in the project.
    """
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise Refused(f"the name {name[:80]!r} cannot be used: say in 1 to 80 characters what the token is for")
    if not scopes or set(scopes) - set(SCOPES):
        raise Refused(f"the scopes {', '.join(scopes) or '(none)'} are not known: choose of {', '.join(SCOPES)}")
    if not 1 <= days <= LONGEST:
        raise Refused(f"a token that lasts {days} days is refused: choose 1 to {LONGEST}")
    token = PREFIX + secrets.token_urlsafe(32)
    needed = max((MOST[scope] for scope in scopes), key=lambda role: role.value)
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, needed)
        account = account_of(session, actor)
        if account is None and (account := accounts.account_by_name(session, owner or "")) is None:
            raise Refused(f"there is no account {owner!r}, and a token belongs to one: name whose it is")
        row = tokens.add_token(
            session,
            account_id=account.id,
            project_id=project.id,
            name=name,
            scopes=scopes,
            token_sha256=digest_of(token),
            lasts=timedelta(days=days),
        )
        details = {"token": row.id, "name": name, "scopes": row.scopes, "days": days}
        audit.record(session, by=actor.name, action="make token", details=details, project_id=project.id)
    return token


def my_tokens(context: Context, actor: Actor) -> list[TokenView]:
    """The actor's own tokens, the latest first; an admin sees everybody's."""
    with context.database.read() as session:
        account = account_of(session, actor)
        own = account.id if account and not account.admin else None
        rows = tokens.tokens(session, account_id=own)
    return [
        TokenView(row.id, row.name, owner.name, project.slug, row.scopes, row.created_at, row.expires_at)
        for row, owner, project in rows
    ]


def revoke_token(context: Context, actor: Actor, token_id: int) -> None:
    """End a token from this moment on: one's own, or as an admin anybody's.

    Raises:
        NotFound: no such token, or somebody else's.
    """
    with context.database.write() as session:
        row = _token(session, actor, token_id)
        tokens.revoke(session, row)
        details = {"token": row.id, "name": row.name}
        audit.record(session, by=actor.name, action="revoke token", details=details, project_id=row.project_id)


def bearer(context: Context, token: str) -> Actor | None:
    """Who a script acts as; None when the token is unknown, revoked or expired."""
    credential = digest_of(token)
    with context.database.read() as session:
        if not token.startswith(PREFIX) or (found := tokens.usable(session, credential)) is None:
            return None
        row, account = found
        role = capped(tokens.role_behind(session, row, account), row.scopes)
        return Actor(f"{account.name}/{row.name}"[:80], role, credential, frozenset(row.scopes))


def _token(session: Session, actor: Actor, token_id: int) -> ApiToken:
    account = account_of(session, actor)
    row = session.get(ApiToken, token_id)
    if row is None or not (account is None or account.admin or row.account_id == account.id):
        raise NotFound(f"there is no token {token_id}: reload the page")
    return row
