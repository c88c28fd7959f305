"""Accounts, their server-side sessions, and refused sign-ins. Passwords arrive hashed, cookies as digests.

What ends by itself ends by the database's clock: a web server whose clock is wrong keeps nobody in and puts nobody out.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage.account_rows import Account, FailedSignIn, Identity, SetupCode, SignIn
from storage.clock import there
from storage.errors import Conflict, NotFound


def create_account(session: Session, *, name: str, password_hash: str | None, admin: bool = False) -> Account:
    """Raises Conflict when the name is taken."""
    if account_by_name(session, name) is not None:
        raise Conflict(f"there is already an account {name!r}: choose another name")
    account = Account(name=name, password_hash=password_hash, admin=admin)
    session.add(account)
    session.flush()
    return account


def account_by_name(session: Session, name: str) -> Account | None:
    return session.scalar(select(Account).where(Account.name == name))


def accounts(session: Session) -> Sequence[Account]:
    return session.scalars(select(Account).order_by(Account.name)).all()


def set_password(session: Session, account_id: int, password_hash: str) -> None:
    """Change it and sign the account out everywhere."""
    _account(session, account_id).password_hash = password_hash
    revoke_all(session, account_id)


def admins(session: Session) -> int:
    """How many accounts could still give others their roles."""
    usable = (Account.admin.is_(True), Account.disabled.is_(False))
    return session.scalar(select(func.count()).select_from(Account).where(*usable)) or 0


def disable(session: Session, account_id: int) -> None:
    """Close the account and sign it out everywhere; what it said stays."""
    _account(session, account_id).disabled = True
    revoke_all(session, account_id)


def enable(session: Session, account_id: int) -> None:
    _account(session, account_id).disabled = False


def add_sign_in(
    session: Session,
    *,
    account_id: int,
    token_sha256: str,
    lasts: timedelta,
    way: str = "password",
    browser: str = "",
) -> SignIn:
    row = SignIn(
        account_id=account_id,
        token_sha256=token_sha256,
        created_at=there(),
        expires_at=there(lasts),
        way=way,
        browser=browser[:200],
    )
    session.add(row)
    session.flush()
    return row


def sign_in_by_digest(session: Session, token_sha256: str) -> tuple[SignIn, Account] | None:
    """The session and its account; None when revoked, expired, unknown, or the account is disabled."""
    row = session.execute(
        select(SignIn, Account)
        .join(Account, Account.id == SignIn.account_id)
        .where(
            SignIn.token_sha256 == token_sha256,
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > there(),
            Account.disabled.is_(False),
        )
    ).first()
    return None if row is None else (row[0], row[1])


def sign_ins(session: Session, account_id: int) -> Sequence[SignIn]:
    """Those of an account that stand, the latest first."""
    stand = (SignIn.account_id == account_id, SignIn.revoked_at.is_(None), SignIn.expires_at > there())
    return session.scalars(select(SignIn).where(*stand).order_by(SignIn.created_at.desc())).all()


def revoke(session: Session, token_sha256: str) -> None:
    session.execute(update(SignIn).where(SignIn.token_sha256 == token_sha256).values(revoked_at=there()))


def revoke_all(session: Session, account_id: int) -> None:
    session.execute(
        update(SignIn).where(SignIn.account_id == account_id, SignIn.revoked_at.is_(None)).values(revoked_at=there())
    )


def account_by_identity(session: Session, issuer: str, subject: str) -> Account | None:
    """The account of somebody at an OIDC provider."""
    mine = (Identity.issuer == issuer, Identity.subject == subject)
    return session.scalar(select(Account).join(Identity, Identity.account_id == Account.id).where(*mine))


def add_identity(session: Session, *, account_id: int, issuer: str, subject: str) -> None:
    session.add(Identity(issuer=issuer, subject=subject, account_id=account_id))
    session.flush()


def add_setup_code(session: Session, *, code_sha256: str, lasts: timedelta) -> None:
    """Make a code for the first admin; those before it are void."""
    session.execute(update(SetupCode).where(SetupCode.used_at.is_(None)).values(used_at=there()))
    session.add(SetupCode(code_sha256=code_sha256, created_at=there(), expires_at=there(lasts)))


def setup_code(session: Session) -> SetupCode | None:
    """The code that could make the first admin now, if any."""
    return session.scalar(select(SetupCode).where(SetupCode.used_at.is_(None), SetupCode.expires_at > there()))


def note_failure(session: Session, name: str) -> None:
    session.add(FailedSignIn(name=name[:80], at=there()))


def failures_within(session: Session, name: str, window: timedelta) -> int:
    """How many wrong tries there were under a name until now."""
    query = select(func.count()).select_from(FailedSignIn)
    return session.scalar(query.where(FailedSignIn.name == name[:80], FailedSignIn.at >= there(-window))) or 0


def forget_failures(session: Session, name: str) -> None:
    session.execute(delete(FailedSignIn).where(FailedSignIn.name == name[:80]))


def _account(session: Session, account_id: int) -> Account:
    if (account := session.get(Account, account_id)) is None:
        raise NotFound(f"there is no account {account_id}: reload the page")
    return account
