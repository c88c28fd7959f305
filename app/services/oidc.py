"""Signing in at an OIDC provider: authorization code with PKCE, state and nonce, by Authlib; it ends in our own cookie.

Somebody is known by issuer and subject alone: a name or a mail address that the provider tells never opens an account
that is here already. New people may do nothing until somebody gives them a role, unless a first role is configured.
"""

import secrets
from dataclasses import asdict, dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from sqlalchemy.orm import Session

from app.services.context import Context
from app.services.errors import Refused
from app.services.sign_in import let_in
from app.settings import Settings
from storage import accounts, audit, images, members
from storage.account_rows import Account

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]  # no shared key
TIMEOUT = 10.0
LEEWAY = 60  # seconds that the provider's clock may be off


class SignInFailed(Refused):
    """The provider's answer cannot be trusted, or there was none."""


@dataclass(frozen=True)
class Flow:
    """What a browser keeps while it is at the provider; only the browser that began can finish."""

    state: str
    nonce: str
    verifier: str
    next_path: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def is_configured(settings: Settings) -> bool:
    return bool(settings.oidc_issuer and settings.oidc_client_id)


def begin(context: Context, *, redirect_uri: str, next_path: str) -> tuple[str, Flow]:
    """(where to send the browser, what it has to bring back).

    Raises:
        SignInFailed: no provider is configured, or it does not answer.
    """
    found = _metadata(context.settings)
    flow = Flow(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_path)
    with _client(context.settings, redirect_uri) as client:
        url, _ = client.create_authorization_url(
            found["authorization_endpoint"], state=flow.state, code_verifier=flow.verifier, nonce=flow.nonce
        )
    return url, flow


def finish(
    context: Context, flow: Flow, *, redirect_uri: str, state: str, code: str, issuer: str | None, browser: str
) -> str:
    """Trade the code for an ID token, check it, and return the token for the cookie.

    Args:
        issuer: as the provider named itself in its answer (RFC 9207), None when it did not.

    Raises:
        SignInFailed: another browser began this, the provider refuses the code, or its token is not for us.
    """
    if not state or not secrets.compare_digest(state.encode(), flow.state.encode()):
        raise SignInFailed("this sign-in was begun in another browser or too long ago: begin again")
    if issuer is not None and issuer != context.settings.oidc_issuer:
        raise SignInFailed("another provider answered than the one that was asked: begin again")
    claims = _claims(context.settings, flow, redirect_uri, code)
    with context.database.write() as session:
        account = accounts.account_by_identity(session, claims["iss"], claims["sub"])
        if account is None:
            account = _new_account(session, context.settings, claims)
        if account.disabled:
            raise SignInFailed(f"the account {account.name} is closed: ask an admin")
        return let_in(session, account, way="oidc", browser=browser)


def link(context: Context, name: str, subject: str) -> None:
    """Let somebody of the provider sign in as an account that is here; for the command line.

    Raises:
        Refused: no provider is configured, there is no such account, or the subject has one already.
    """
    issuer = context.settings.oidc_issuer
    if not is_configured(context.settings):
        raise Refused("no provider is configured: set BGAD_OIDC_ISSUER and BGAD_OIDC_CLIENT_ID")
    with context.database.write() as session:
        account = accounts.account_by_name(session, name)
        if account is None:
            raise Refused(f"there is no account {name!r}: see `bgad-inspect user list`")
        if (other := accounts.account_by_identity(session, issuer, subject)) is not None:
            raise Refused(f"subject {subject!r} signs in as {other.name} already")
        accounts.add_identity(session, account_id=account.id, issuer=issuer, subject=subject)
        details = {"name": name, "issuer": issuer, "subject": subject}
        audit.record(session, by="cli", action="link account", details=details)


def _claims(settings: Settings, flow: Flow, redirect_uri: str, code: str) -> dict[str, Any]:
    """The checked claims of the ID token: signature, issuer, audience, times, nonce, access token's hash."""
    found = _metadata(settings)
    try:
        with _client(settings, redirect_uri) as client:
            answer = client.fetch_token(found["token_endpoint"], code=code, code_verifier=flow.verifier)
        keys = KeySet.import_key_set(_json(found["jwks_uri"]))
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        token = jwt.decode(answer["id_token"], key=keys, registry=registry)
        options = {"iss": {"values": [settings.oidc_issuer]}, "aud": {"values": [settings.oidc_client_id]}}
        known = {"nonce": flow.nonce, "client_id": settings.oidc_client_id, "access_token": answer.get("access_token")}
        claims = CodeIDToken(token.claims, token.header, options, known)
        claims.validate(leeway=LEEWAY)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise ValueError("no subject")
    except (AuthlibBaseError, JoseError, requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise SignInFailed(
            f"the sign-in at {settings.oidc_name} cannot be trusted ({type(error).__name__}): begin again, or sign in "
            "with a password"
        ) from error
    return dict(claims)


def _metadata(settings: Settings) -> dict[str, Any]:
    if not is_configured(settings):
        raise SignInFailed("no other way to sign in is configured: use name and password")
    try:
        found = _json(settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found["issuer"] != settings.oidc_issuer:
            raise ValueError(f"it calls itself {found['issuer']!r}")
        return {name: found[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    except (requests.RequestException, KeyError, TypeError, ValueError) as error:
        raise SignInFailed(
            f"{settings.oidc_name} does not answer as it should ({type(error).__name__}): try again later, or sign in "
            "with a password"
        ) from error


def _client(settings: Settings, redirect_uri: str) -> OAuth2Session:
    return OAuth2Session(
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        scope="openid profile",
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if settings.oidc_client_secret else "none",
        default_timeout=TIMEOUT,
    )


def _json(url: str) -> Any:
    answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    return answer.json()


def _new_account(session: Session, settings: Settings, claims: dict[str, Any]) -> Account:
    wished = str(claims.get("preferred_username") or claims.get("name") or "somebody")
    wished = "".join(sign for sign in wished if sign.isprintable()).strip()[:70] or "somebody"
    name, number = wished, 1
    while accounts.account_by_name(session, name) is not None:  # never the account of whoever is called so here
        number += 1
        name = f"{wished} {number}"
    account = accounts.create_account(session, name=name, password_hash=None)
    accounts.add_identity(session, account_id=account.id, issuer=claims["iss"], subject=claims["sub"])
    if settings.oidc_role is not None:
        for project in images.projects(session):
            members.set_role(
                session, account_id=account.id, project_id=project.id, role=settings.oidc_role, by="configuration"
            )
    details = {"name": name, "issuer": claims["iss"], "subject": claims["sub"]}
    details["role"] = settings.oidc_role.name if settings.oidc_role else None
    audit.record(session, by=name, action="create account", details=details)
    return account
