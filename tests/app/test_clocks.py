"""Two web servers, one of them with a wrong clock: the database's decides who is in."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.services.accounts import create_account
from app.services.ingest import create_project
from app.services.sign_in import MOST_FAILURES, SIGNED_IN_FOR, SignInRefused, actor_for, sign_in
from app.services.tokens import bearer, create_token
from storage.account_rows import ApiToken, SignIn
from storage.models import Role
from tests.app.conftest import ADMIN, ENGINEER

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "three grey parts"
DAY = 86_400


def door(context, days, *credentials):
    """What a server whose clock is so many days off says."""
    command = [sys.executable, "-m", "tests.app.shifted_clock", str(days * DAY), "tests.app.doorkeeper"]
    command += [str(context.settings.home), context.settings.database_url, PASSWORD, *credentials]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def aged(context, by):
    """Every sign-in and token as it stands so much later."""
    with context.database.write() as session:
        for kind in (SignIn, ApiToken):
            for row in session.query(kind):
                row.expires_at -= by


@pytest.mark.slow
@pytest.mark.parametrize("days", [-1, 1])
def test_a_wrong_clock_neither_keeps_anybody_in_nor_puts_anybody_out(context, days):
    create_project(context, ENGINEER, name="tile", built_in=True)
    create_account(context, ADMIN, name="ida", password=PASSWORD, role=Role.inspector)
    cookie = sign_in(context, "ida", PASSWORD)
    token = create_token(context, actor_for(context, cookie), "tile", name="line 2", scopes=["read"], days=1)
    *now, made = door(context, days, cookie, token)
    assert now == ["ida", "ida/line 2"]
    cookie_there, token_there = made.split()
    assert actor_for(context, cookie_there).name == "ida" and bearer(context, token_there)
    aged(context, SIGNED_IN_FOR + timedelta(seconds=1))
    cookies = (cookie, cookie_there)
    assert [actor_for(context, each) for each in cookies] == [None, None]
    assert door(context, days, *cookies)[:2] == ["nobody", "nobody"]
    aged(context, timedelta(days=1))
    assert [bearer(context, each) for each in (token, token_there)] == [None, None]
    assert door(context, days, token, token_there)[:2] == ["nobody", "nobody"]


@pytest.mark.slow
def test_a_server_that_lags_a_day_brakes_guessing_all_the_same(context):
    create_project(context, ENGINEER, name="tile", built_in=True)
    create_account(context, ADMIN, name="ida", password=PASSWORD, role=Role.inspector)
    for _ in range(MOST_FAILURES):
        with pytest.raises(SignInRefused):
            sign_in(context, "ida", "not this one, sorry")
    for days in (-1, 1):
        with pytest.raises(subprocess.CalledProcessError) as stopped:
            door(context, days)
        assert "wait 10 minutes" in stopped.value.stderr
