"""The commands about people: accounts, roles in projects, and what they did. Only `cli.py` prints."""

import getpass
import json
import secrets
import sys
from argparse import Namespace

from app.processes import Say
from app.services import accounts, first_admin, members, oidc, tokens, trail
from app.services.authority import OPERATOR
from app.services.context import opened
from app.services.errors import Refused
from app.services.outfile import write_out
from app.settings import Settings
from storage.models import Role


def user_add(settings: Settings, options: Namespace, say: Say) -> int:
    role = Role[options.role] if options.role else None
    with opened(settings) as context:
        typed = _password(options)
        password = typed or secrets.token_urlsafe(12)
        accounts.create_account(
            context, OPERATOR, name=options.name, password=password, role=role, projects=options.project
        )
        made = next(person for person in accounts.people(context, OPERATOR) if person.name == options.name.strip())
    say(f"{made.name} may sign in: {_words(made)}")
    if not typed:
        say(f"password, shown this once: {password}")
    return 0


def user_password(settings: Settings, options: Namespace, say: Say) -> int:
    typed = _password(options)
    password = typed or secrets.token_urlsafe(12)
    with opened(settings) as context:
        accounts.set_password(context, OPERATOR, options.name, password)
    say(f"{options.name} has a new password and is signed out everywhere")
    if not typed:
        say(f"password, shown this once: {password}")
    return 0


def user_list(settings: Settings, _options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        for person in accounts.people(context, OPERATOR):
            say(f"{person.name}: {_words(person)}")
    return 0


def user_disable(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        accounts.set_disabled(context, OPERATOR, options.name, disabled=options.disabled)
    say(f"{options.name} {'is closed and signed out everywhere' if options.disabled else 'may sign in again'}")
    return 0


def user_code(settings: Settings, _options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        code = first_admin.make_code(context, OPERATOR)
    say(f"within the hour, and once: open /setup on the web server and give the code {code}")
    return 0


def user_link(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        oidc.link(context, options.name, options.subject)
    say(f"{options.subject} signs in as {options.name} from now on")
    return 0


def token_list(settings: Settings, _options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        found = tokens.my_tokens(context, OPERATOR)
    for token in found:
        scopes = ", ".join(token.scopes)
        say(f"{token.id} {token.owner}/{token.name}: {scopes} in {token.project}, until {token.expires_at:%Y-%m-%d}")
    return 0


def token_add(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        token = tokens.create_token(
            context,
            OPERATOR,
            options.project,
            name=options.name,
            scopes=options.scope,
            days=options.days,
            owner=options.user,
        )
    say(f"token, shown this once: {token}")
    return 0


def token_revoke(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        tokens.revoke_token(context, OPERATOR, options.id)
    say(f"token {options.id} is void from now on")
    return 0


def member_set(settings: Settings, options: Namespace, say: Say) -> int:
    role = None if options.role == "none" else Role[options.role]
    with opened(settings) as context:
        members.set_role(context, OPERATOR, options.project, options.name, role)
    say(f"{options.name} is {role.name if role else 'without a role'} in {options.project}")
    return 0


def member_list(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        for member in members.members_of(context, OPERATOR, options.project):
            say(f"{member.name}: {member.role.name}, by {member.by}")
    return 0


def audit_show(settings: Settings, options: Namespace, say: Say) -> int:
    which = trail.Filter(options.by, options.action, options.project)
    with opened(settings) as context:
        if options.csv:
            write_out(options.csv, trail.trail_csv(context, OPERATOR, which=which))
            say(f"written: {options.csv}")
            return 0
        for row in reversed(trail.trail(context, OPERATOR, which=which, limit=options.limit)):
            details = json.dumps(row.details, sort_keys=True)
            say(f"{row.id} {row.at:%Y-%m-%d %H:%M:%S} {row.by}: {row.action} {row.project} {details}")
    return 0


def audit_verify(settings: Settings, options: Namespace, say: Say) -> int:
    with opened(settings) as context:
        found = trail.verify_trail(context, OPERATOR, known=options.known)
    if found.broken:
        raise Refused(f"the audit trail is broken: {found.broken}; {found.entries} entries before it are as they were")
    say(f"{found.entries} entries follow one another; the last is {found.last}:{found.head}")
    return 0


def _words(person: accounts.Person) -> str:
    roles = ", ".join(f"{role.name} in {slug}" for slug, role in person.roles.items())
    words = "admin" if person.admin else roles or "no role yet (give one by `bgad-inspect member set`)"
    return words + (", closed" if person.disabled else "")


def _password(options: Namespace) -> str | None:
    """Read from a pipe, asked for twice at a terminal, or None: then one is made."""
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if options.generate or not sys.stdin.isatty():
        return None
    first = getpass.getpass(f"password for {options.name} (empty: make one): ")
    if first and first != getpass.getpass("once more: "):
        raise Refused("the two passwords differ: try again")
    return first or None
