"""Accounts and sign-ins: argon2id passwords, opaque tokens whose digest alone is kept, and a brake on guessing."""

import hashlib
import secrets
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from storage import accounts, audit
from storage.models import Account, Role, now

SHORTEST_PASSWORD = 10
LONGEST = 200  # more than anybody types; hashing more would cost whoever asks nothing and us a second
SIGNED_IN_FOR = timedelta(hours=12)  # one shift
WINDOW = timedelta(minutes=10)
MOST_FAILURES = 8


class SignInRefused(Refused):
    """Name or password are wrong, or there were too many tries; never says which of the two was wrong."""


def create_account(context: Context, actor: Actor, *, name: str, password: str, role: Role) -> Account:
    """Let somebody in.

    Raises:
        Refused: no name, or a password that is too short or too long.
        Conflict: the name is taken.
    """
    require(actor, Role.admin)
    name = name.strip()
    if not name or len(name) > 80 or not name.isprintable():
        raise Refused(f"the name {name[:80]!r} cannot be used: give 1 to 80 printable characters")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST:
        raise Refused(
            f"the password has {len(password)} characters: use {SHORTEST_PASSWORD} to {LONGEST}, a sentence is fine"
        )
    hashed = PasswordHasher().hash(password)
    with context.database.write() as session:
        account = accounts.create_account(session, name=name, password_hash=hashed, role=role)
        audit.record(session, by=actor.name, action="create account", details={"name": name, "role": role.name})
    return account


def sign_in(context: Context, name: str, password: str) -> str:
    """Check a password and return the token for the cookie. An unknown name costs the same time as a wrong password.

    Raises:
        SignInRefused: wrong, disabled, or too many tries in the last minutes.
    """
    name, password = name.strip()[:80], password[: LONGEST + 1]
    with context.database.read() as session:
        account = accounts.account_by_name(session, name)
        failures = accounts.failures_since(session, name, now() - WINDOW)
    if failures >= MOST_FAILURES:
        minutes = int(WINDOW.total_seconds() // 60)
        raise SignInRefused(f"{failures} wrong passwords within {minutes} minutes: wait {minutes} minutes, try again")
    usable = account is not None and not account.disabled
    right = _matches(account.password_hash if account and usable else _nobody(), password)
    if account is None or not usable or not right:
        with context.database.write() as session:
            accounts.note_failure(session, name)
        raise SignInRefused("name or password are wrong: try again, or ask an admin for a new password")
    token = secrets.token_urlsafe(32)
    with context.database.write() as session:
        accounts.forget_failures(session, name)
        accounts.add_sign_in(
            session, account_id=account.id, token_sha256=_digest(token), expires_at=now() + SIGNED_IN_FOR
        )
        audit.record(session, by=account.name, action="sign in")
    return token


def actor_for(context: Context, token: str | None) -> Actor | None:
    """Who holds this token now, with the role of this moment; None when it is unknown, expired or revoked."""
    if not token:
        return None
    with context.database.read() as session:
        found = accounts.sign_in_by_digest(session, _digest(token))
    return None if found is None else Actor(found[1].name, found[1].role)


def sign_out(context: Context, token: str | None) -> None:
    """Revoke the token on the server, whatever the browser keeps."""
    if (actor := actor_for(context, token)) is None or not token:
        return
    with context.database.write() as session:
        accounts.revoke(session, _digest(token))
        audit.record(session, by=actor.name, action="sign out")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _matches(hashed: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """A hash that no password matches, so that unknown names take as long as known ones."""
    return PasswordHasher().hash(secrets.token_urlsafe(32))
