"""Accounts: who gets in, who does not, and what is kept of a password."""

import subprocess
import sys

import pytest
from argon2 import PasswordHasher, Type, extract_parameters, profiles
from sqlalchemy import select

from app.services.accounts import SHORTEST_PASSWORD, create_account, people, set_admin, set_disabled, set_password
from app.services.authority import NotAllowed
from app.services.errors import Refused
from app.services.ingest import create_project
from app.services.members import set_role
from app.services.sign_in import MOST_FAILURES, SignInRefused, actor_for, sign_in, sign_out
from storage.account_rows import Account, SignIn
from storage.errors import Conflict
from storage.models import Role
from tests.app.conftest import ADMIN, ENGINEER
from tests.conftest import ROOT

PASSWORD = "three grey parts"


@pytest.fixture
def ida(context):
    create_project(context, ENGINEER, name="tile", built_in=True)
    return create_account(context, ADMIN, name="ida", password=PASSWORD, role=Role.inspector)


def test_who_knows_the_password_acts_under_the_role_of_this_moment(context, ida):
    token = sign_in(context, "ida", PASSWORD)
    assert actor_for(context, token).role is Role.inspector
    set_role(context, ADMIN, "tile", "ida", Role.engineer)
    assert actor_for(context, token).role is Role.engineer
    set_role(context, ADMIN, "tile", "ida", None)
    assert actor_for(context, token).role is None


def test_neither_password_nor_token_is_kept(context, ida):
    token = sign_in(context, "ida", PASSWORD)
    with context.database.read() as session:
        assert session.scalar(select(Account.password_hash)).startswith("$argon2id$")
        kept = session.scalar(select(SignIn.token_sha256))
    assert token not in kept and len(kept) == 64


def test_a_hash_costs_what_its_standard_asks_for():
    code = f"from app.services.accounts import hashed_password; print(hashed_password({PASSWORD!r}))"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    used, least = extract_parameters(made.stdout.strip()), profiles.RFC_9106_LOW_MEMORY
    assert used.type is Type.ID and used.hash_len >= least.hash_len and used.salt_len >= least.salt_len
    assert used.memory_cost >= least.memory_cost and used.time_cost >= least.time_cost


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(context, ida):
    answers = set()
    for name in ("ida", "nobody"):
        with pytest.raises(SignInRefused) as refused:
            sign_in(context, name, "not this one, sorry")
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_an_unknown_name_costs_the_time_of_a_hash(context, ida, monkeypatch):
    verify = PasswordHasher.verify
    sign_in(context, "ida", PASSWORD)  # the hash for nobody is made once
    with pytest.raises(SignInRefused):
        sign_in(context, "nobody", PASSWORD)
    verified = []
    monkeypatch.setattr("argon2.PasswordHasher.verify", lambda *given: verified.append(given) or verify(*given))
    with pytest.raises(SignInRefused):
        sign_in(context, "nobody", PASSWORD)
    assert [password for _, _, password in verified] == [PASSWORD]


def test_guessing_is_stopped_even_when_the_last_guess_is_right(context, ida):
    for _ in range(MOST_FAILURES):
        with pytest.raises(SignInRefused, match="wrong"):
            sign_in(context, "ida", "guess after guess")
    with pytest.raises(SignInRefused, match="wait 10 minutes"):
        sign_in(context, "ida", PASSWORD)


def test_signing_out_ends_it_on_the_server(context, ida):
    token = sign_in(context, "ida", PASSWORD)
    sign_out(context, token)
    assert actor_for(context, token) is None
    sign_out(context, token)  # a second click changes nothing


def test_a_disabled_account_is_out_at_once_and_stays_out(context, ida):
    token = sign_in(context, "ida", PASSWORD)
    set_disabled(context, ADMIN, "ida", disabled=True)
    assert actor_for(context, token) is None
    with pytest.raises(SignInRefused):
        sign_in(context, "ida", PASSWORD)
    set_disabled(context, ADMIN, "ida", disabled=False)
    assert actor_for(context, token) is None and sign_in(context, "ida", PASSWORD)


def test_a_new_password_ends_every_sign_in(context, ida):
    token = sign_in(context, "ida", PASSWORD)
    set_password(context, ADMIN, "ida", "four green parts")
    assert actor_for(context, token) is None and sign_in(context, "ida", "four green parts")


def test_the_last_admin_stays(context, ida):
    create_account(context, ADMIN, name="root", password=PASSWORD, role=Role.admin)
    for call in (
        lambda: set_admin(context, ADMIN, "root", admin=False),
        lambda: set_disabled(context, ADMIN, "root", disabled=True),
    ):
        with pytest.raises(Refused, match="last admin"):
            call()
    set_admin(context, ADMIN, "ida", admin=True)
    set_admin(context, ADMIN, "root", admin=False)
    assert {person.name: person.admin for person in people(context, ADMIN)} == {"ida": True, "root": False}


@pytest.mark.parametrize("token", [None, "", "made up", "\x00" * 40])
def test_what_is_no_token_is_nobody(context, token):
    assert actor_for(context, token) is None


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("eve", "short", f"5 characters: use {SHORTEST_PASSWORD}"),
        ("eve", "x" * 500, "500 characters"),
        ("   ", PASSWORD, "cannot be used"),
        ("a\nb", PASSWORD, "cannot be used"),
    ],
)
def test_an_unusable_name_or_password_is_refused_with_a_reason(context, name, password, says):
    with pytest.raises(Refused, match=says):
        create_account(context, ADMIN, name=name, password=password, role=Role.viewer)


def test_a_name_is_given_once_and_by_admins_alone(context, ida):
    with pytest.raises(Conflict, match="already"):
        create_account(context, ADMIN, name="ida", password=PASSWORD, role=Role.viewer)
    with pytest.raises(NotAllowed, match="needs admin"):
        create_account(context, ENGINEER, name="eve", password=PASSWORD, role=Role.viewer)
