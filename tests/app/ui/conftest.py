"""The web process's own installation, opened from the environment as it is in the product."""

import shutil

import pytest

from app.processes import environment_of
from app.services.accounts import create_account
from app.services.context import open_context
from app.services.sign_in import sign_in
from app.ui.opened import opened
from storage.models import Role
from tests.app.conftest import ADMIN, settings_in
from tests.app.ui.visitor import visitor
from tests.once import once

PASSWORD = "three grey parts"


@pytest.fixture(scope="session")
def peopled_home(trained_home):
    """The trained installation with one account per role, named like its role; made once, copied by `served`."""
    return once("peopled", lambda folder: _people(trained_home, folder / "home")) / "home"


def _people(trained_home, home):
    shutil.copytree(trained_home, home)
    context = open_context(settings_in(home))
    for role in Role:
        create_account(context, ADMIN, name=role.name, password=PASSWORD, role=role)
    context.database.dispose()


@pytest.fixture
def served(peopled_home, tmp_path, monkeypatch):
    """An installation of its own, as `opened()` sees it."""
    shutil.copytree(peopled_home, tmp_path / "home")
    for name, value in environment_of(settings_in(tmp_path / "home")).items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    opened.cache_clear()
    first = opened()
    yield first
    for context in (first, opened()):  # a test may have it opened anew
        context.database.dispose()
    opened.cache_clear()


@pytest.fixture
def token_of(served):
    """Signs the account of a role in and returns its token."""
    return lambda role: sign_in(served, role, PASSWORD)


@pytest.fixture
def visit(served, token_of):
    """Opens a page as the account of a role; a page that breaks fails the test with what it showed."""
    return visitor(token_of)
