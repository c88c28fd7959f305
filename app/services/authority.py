"""Who may do what. Every use case asks here, from the database and in its own transaction, so that no page can forget.

The first four roles are given per project; an admin has all of them everywhere. Somebody without a role in a project is
told the same about it as about one that does not exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.services.errors import Refused
from storage import accounts, members, tokens
from storage.account_rows import Account
from storage.models import Role


@dataclass(frozen=True)
class Actor:
    """Somebody who acts.

    Attributes:
        role: the most that they may do anywhere, None before anybody gave them a role. It decides what is offered;
            what is done is decided by `role_in`.
        credential: the digest of what they came in with, looked up again at every use case. None is the machine
            itself, its command line and its worker, where the role holds in every project.
        scopes: of a script's token, None for a person; a token is for one project and never more than its account.
    """

    name: str
    role: Role | None
    credential: str | None = None
    scopes: frozenset[str] | None = None

    def may(self, role: Role) -> bool:
        """Whether this actor has `role` or one above it somewhere."""
        return at_least(self.role, role)


ENDED = "your sign-in has ended: sign in again; what was confirmed is kept"
# The most that a token may do with a scope, whatever its account may: bringing images in to be scored is an engineer's.
MOST = {"read": Role.viewer, "label": Role.inspector, "score": Role.engineer}
# The person at the machine's own command line: whoever can run it can read the database anyway.
OPERATOR = Actor("cli", Role.admin)
SYSTEM = Actor("system", Role.admin)


class NotAllowed(Refused):
    """The actor's role is below what the use case asks for."""


class SignedOut(NotAllowed):
    """What the actor came in with was revoked or has expired since."""


def at_least(role: Role | None, needed: Role) -> bool:
    return role is not None and role.value >= needed.value


def role_in(session: Session, actor: Actor, project_id: int) -> Role | None:
    """The actor's role in a project at this moment; None when they are not to see it.

    Raises:
        SignedOut: the sign-in behind the actor has ended.
    """
    if actor.credential is None:
        return actor.role
    if actor.scopes is not None:
        return _role_of_token(session, actor.credential, project_id)
    stands, role = members.standing(session, actor.credential, project_id)
    if not stands:
        raise SignedOut(ENDED)
    return role


def capped(role: Role | None, scopes: Iterable[str]) -> Role | None:
    """What is left of an account's role for a token with these scopes."""
    most = max((MOST[scope] for scope in scopes), key=lambda role: role.value, default=None)
    if role is None or most is None:
        return None
    return min(role, most, key=lambda role: role.value)


def _role_of_token(session: Session, credential: str, project_id: int) -> Role | None:
    if (found := tokens.usable(session, credential)) is None:
        raise SignedOut("the token was revoked or has expired: make another on the Account page")
    token, account = found
    return capped(tokens.role_behind(session, token, account), token.scopes) if token.project_id == project_id else None


def account_of(session: Session, actor: Actor) -> Account | None:
    """The account of a person, None for the machine itself.

    Raises:
        SignedOut: its sign-in has ended.
        NotAllowed: it is a token, which is for its project alone.
    """
    if actor.credential is None:
        return None
    if actor.scopes is not None:
        raise NotAllowed("a token is for its project alone: sign in for this")
    if (found := accounts.sign_in_by_digest(session, actor.credential)) is None:
        raise SignedOut(ENDED)
    return found[1]


def require(session: Session, actor: Actor, role: Role) -> None:
    """For what belongs to no project: raises NotAllowed unless the actor has `role`, or one above it, somewhere."""
    if actor.scopes is not None and actor.credential is not None:
        found = tokens.usable(session, actor.credential)
        has = _role_of_token(session, actor.credential, found[0].project_id if found else 0)
    else:
        account = account_of(session, actor)
        has = actor.role if account is None else members.highest_role(session, account)
    refuse_below(actor, has, role)


def refuse_below(actor: Actor, has: Role | None, needed: Role, *, where: str = "") -> None:
    """Raises NotAllowed, with both roles, unless `has` is `needed` or above it."""
    if not at_least(has, needed):
        place = f" in {where}" if where else ""
        raise NotAllowed(
            f"{actor.name} is {has.name if has else 'without a role'}{place}, and this needs {needed.name}: "
            f"ask an admin for the role {needed.name}"
        )
