"""Signing in and out: argon2id passwords, opaque tokens whose digest alone is kept, and a brake on guessing."""

import hashlib
import secrets
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import accounts, audit, members
from storage.account_rows import Account

LONGEST = 200  # more than anybody types; hashing more would cost whoever asks nothing and us a second
SIGNED_IN_FOR = timedelta(hours=12)  # one shift
WINDOW = timedelta(minutes=10)
MOST_FAILURES = 8


class SignInRefused(Refused):
    """Name or password are wrong, or there were too many tries; never says which of the two was wrong."""


def sign_in(context: Context, name: str, password: str, *, browser: str = "") -> str:
    """Check a password and return the token for the cookie. An unknown name costs the same time as a wrong password.

    Raises:
        SignInRefused: wrong, disabled, or too many tries in the last minutes.
    """
    name, password = name.strip()[:80], password[: LONGEST + 1]
    with context.database.read() as session:
        account = accounts.account_by_name(session, name)
        throttled(session, name)
    usable = account is not None and not account.disabled
    right = matches((account.password_hash if account and usable else None) or _nobody(), password)
    if account is None or not usable or not right:
        with context.database.write() as session:
            accounts.note_failure(session, name)
            audit.record(session, by="nobody", action="sign-in refused", details={"name": name})
        raise SignInRefused("name or password are wrong: try again, or ask an admin for a new password")
    with context.database.write() as session:
        accounts.forget_failures(session, name)
        return let_in(session, account, way="password", browser=browser)


def let_in(session: Session, account: Account, *, way: str, browser: str) -> str:
    """Open a server-side session for somebody whose identity was checked, and return the token for the cookie.

    Args:
        way: how it was checked, kept with the sign-in and in the audit trail.
        browser: what it calls itself, for its owner's list.
    """
    token = secrets.token_urlsafe(32)
    accounts.add_sign_in(
        session,
        account_id=account.id,
        token_sha256=digest_of(token),
        lasts=SIGNED_IN_FOR,
        way=way,
        browser=browser,
    )
    audit.record(session, by=account.name, action="sign in", details={"way": way})
    return token


def throttled(session: Session, name: str) -> None:
    """Raises SignInRefused when there were too many wrong tries under this name in the last minutes."""
    failures = accounts.failures_within(session, name, WINDOW)
    if failures >= MOST_FAILURES:
        minutes = int(WINDOW.total_seconds() // 60)
        raise SignInRefused(f"{failures} wrong passwords within {minutes} minutes: wait {minutes} minutes, try again")


def actor_for(context: Context, token: str | None) -> Actor | None:
    """Who holds this token now, with the highest role of this moment; None when it is unknown, expired or revoked."""
    if not token:
        return None
    with context.database.read() as session:
        found = accounts.sign_in_by_digest(session, digest_of(token))
        if found is None:
            return None
        return Actor(found[1].name, members.highest_role(session, found[1]), digest_of(token))


def sign_out(context: Context, token: str | None) -> None:
    """Revoke the token on the server, whatever the browser keeps."""
    if (actor := actor_for(context, token)) is None or not token:
        return
    with context.database.write() as session:
        accounts.revoke(session, digest_of(token))
        audit.record(session, by=actor.name, action="sign out")


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def matches(hashed: str, password: str) -> bool:
    """Whether a password is the one that was hashed."""
    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """A hash that no password matches, so that unknown names take as long as known ones."""
    return PasswordHasher().hash(secrets.token_urlsafe(32))
