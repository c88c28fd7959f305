"""The first admin: made in the browser with a code that the command line printed, once."""

import secrets
from datetime import timedelta

from app.services.accounts import hashed_password, usable_name
from app.services.authority import Actor, NotAllowed
from app.services.context import Context
from app.services.errors import Refused
from app.services.sign_in import SignInRefused, digest_of, let_in, throttled
from storage import accounts, audit
from storage.clock import there
from storage.models import Role

VALID = timedelta(hours=1)
TRIES = "first admin"  # the name under which wrong codes are counted


def make_code(context: Context, actor: Actor) -> str:
    """A code that makes the first admin within the hour; one before it is void.

    Raises:
        Refused: there is an admin already.
        NotAllowed: asked for by anybody but the machine's own command line.
    """
    if actor.credential is not None or not actor.may(Role.admin):
        raise NotAllowed("the code for the first admin comes from the command line alone: bgad-inspect user code")
    code = "-".join(secrets.token_hex(3) for _ in range(4))
    with context.database.write() as session:
        if accounts.admins(session):
            raise Refused("there is an admin already: they make further accounts on the People page")
        accounts.add_setup_code(session, code_sha256=digest_of(code), lasts=VALID)
        audit.record(session, by=actor.name, action="make first admin's code")
    return code


def code_is_out(context: Context) -> bool:
    """Whether some code could make the first admin now."""
    with context.database.read() as session:
        return accounts.setup_code(session) is not None and accounts.admins(session) == 0


def make_first_admin(context: Context, *, code: str, name: str, password: str, browser: str = "") -> str:
    """Use the code up: make the admin, sign them in, and return the token for the cookie.

    Raises:
        SignInRefused: the code is wrong, used or too old, or there were too many tries.
        Refused: the name or the password cannot be used.
    """
    name, hashed = usable_name(name), hashed_password(password)
    digest = digest_of(code.strip().lower())
    with context.database.read() as session:
        throttled(session, TRIES)
    with context.database.write() as session:
        row = accounts.setup_code(session)
        right = row is not None and secrets.compare_digest(row.code_sha256, digest)
        if row is not None and right and accounts.admins(session) == 0:
            row.used_at = there()
            account = accounts.create_account(session, name=name, password_hash=hashed, admin=True)
            audit.record(session, by=name, action="make first admin")
            return let_in(session, account, way="code", browser=browser)
        accounts.note_failure(session, TRIES)
        audit.record(session, by="nobody", action="first admin's code refused")
    raise SignInRefused("the code is wrong, used or older than an hour: make another by `bgad-inspect user code`")
