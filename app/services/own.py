"""One's own account: where one is signed in, and one's password."""

from dataclasses import dataclass
from datetime import datetime

from app.services.accounts import hashed_password
from app.services.authority import Actor, account_of
from app.services.context import Context
from app.services.errors import Refused
from app.services.sign_in import matches, throttled
from storage import accounts, audit
from storage.errors import NotFound

HANDLE = 16  # digits of a sign-in's digest that name it; they open nothing


@dataclass(frozen=True)
class Place:
    """One browser that is signed in; `here` for the one that asks."""

    handle: str
    at: datetime
    until: datetime
    way: str
    browser: str
    here: bool


def my_sign_ins(context: Context, actor: Actor) -> list[Place]:
    """Where the actor is signed in, the latest first."""
    with context.database.read() as session:
        account = account_of(session, actor)
        rows = accounts.sign_ins(session, account.id) if account else []
    return [
        Place(
            row.token_sha256[:HANDLE],
            row.created_at,
            row.expires_at,
            row.way,
            browser_name(row.browser),
            row.token_sha256 == actor.credential,
        )
        for row in rows
    ]


def browser_name(agent: str) -> str:
    """What a browser calls itself, in two words; each name stands before those that the browser only claims to be."""
    kinds = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
    systems = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS": "macOS"}
    kind = next((name for sign, name in kinds.items() if sign in agent), "another browser")
    system = next((name for sign, name in {**systems, "Linux": "Linux"}.items() if sign in agent), "another system")
    return f"{kind} on {system}"


def end_sign_in(context: Context, actor: Actor, handle: str) -> None:
    """End one of the actor's own sign-ins.

    Raises:
        NotFound: none of theirs is called so.
    """
    with context.database.write() as session:
        account = account_of(session, actor)
        rows = accounts.sign_ins(session, account.id) if account else []
        row = next((row for row in rows if row.token_sha256[:HANDLE] == handle), None)
        if row is None:
            raise NotFound("that sign-in has ended already: reload the page")
        accounts.revoke(session, row.token_sha256)
        audit.record(session, by=actor.name, action="end sign-in", details={"browser": row.browser})


def end_other_sign_ins(context: Context, actor: Actor) -> int:
    """End all of the actor's own sign-ins but this one; how many that were."""
    with context.database.write() as session:
        account = account_of(session, actor)
        rows = accounts.sign_ins(session, account.id) if account else []
        others = [row.token_sha256 for row in rows if row.token_sha256 != actor.credential]
        for digest in others:
            accounts.revoke(session, digest)
        audit.record(session, by=actor.name, action="sign out elsewhere", details={"sign-ins": len(others)})
    return len(others)


def change_password(context: Context, actor: Actor, *, old: str, new: str) -> None:
    """Change one's own password, and end all other sign-ins.

    Raises:
        Refused: the old one is wrong, or was guessed at too often; the account has none; or the new one cannot be used.
    """
    with context.database.read() as session:
        account = account_of(session, actor)
        if account is None or account.password_hash is None:
            raise Refused("this account has no password: it signs in elsewhere")
        throttled(session, account.name)
    if not matches(account.password_hash, old):
        with context.database.write() as session:
            accounts.note_failure(session, account.name)
        raise Refused("the old password is wrong: try again")
    hashed = hashed_password(new)
    with context.database.write() as session:
        account = account_of(session, actor)
        assert account is not None
        account.password_hash = hashed
        for row in accounts.sign_ins(session, account.id):
            if row.token_sha256 != actor.credential:
                accounts.revoke(session, row.token_sha256)
        audit.record(session, by=actor.name, action="change password")
