"""The end of the Members page: an admin sees what would go, types the name, and it goes; nobody else sees any of it."""

import pytest

from app.services.projects import projects_of
from app.services.retention import keep_days
from app.services.retrain import request_retraining
from tests.app.conftest import ADMIN, ENGINEER
from tests.app.ui.visitor import button, run, visitor, words


@pytest.fixture
def members(served, token_of):
    return lambda role: visitor(token_of)("members", role, query={"project": "tile"})


def see(at):
    button(at, "removal-see").click()
    return run(at)


def typed(at, name):
    at.text_input(key="removal-slug").set_value(name)
    return run(at)


def test_an_engineer_is_not_offered_it(members):
    at = members("engineer")
    assert button(at, "removal-see") is None and "Remove this project" not in words(at)


def test_an_admin_sees_what_goes_and_has_to_type_the_name(served, members):
    at = see(members("admin"))
    shown = at.table[0].value
    assert dict(zip(shown["what goes"], shown["how much"], strict=True))["images"] == "22"
    at = typed(at, "til")
    assert button(at, "removal-do").disabled
    at = typed(at, "tile")
    assert not button(at, "removal-do").disabled
    button(at, "removal-keep").click()
    run(at)
    assert button(at, "removal-do") is None and len(projects_of(served, ADMIN)) == 1


def test_a_run_that_goes_on_is_named_instead(served, members):
    request_retraining(served, ENGINEER, "tile", preset="demo")
    at = see(members("admin"))
    at = typed(at, "tile")
    button(at, "removal-do").click()
    run(at)
    assert "A retrain of tile is queued" in at.error[0].value and len(projects_of(served, ADMIN)) == 1


def test_an_admin_sets_for_how_long_images_are_kept(served, members):
    at = members("admin")
    assert button(at, "keep-set").disabled and at.number_input(key="keep-days").value is None
    at.number_input(key="keep-days").set_value(90)
    run(at)
    button(at, "keep-set").click()
    run(at)
    assert keep_days(served, ADMIN, "tile") == 90 and button(at, "keep-set").disabled
    assert button(members("engineer"), "keep-set") is None
