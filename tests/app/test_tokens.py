"""Tokens for scripts, the first admin's code, and one's own sign-ins."""

import pytest

from app.services.accounts import create_account, set_disabled
from app.services.authority import OPERATOR, NotAllowed, SignedOut
from app.services.context import open_context
from app.services.errors import Refused
from app.services.first_admin import code_is_out, make_code, make_first_admin
from app.services.ingest import create_project
from app.services.label import image_bytes
from app.services.members import set_role
from app.services.own import browser_name, change_password, end_other_sign_ins, end_sign_in, my_sign_ins
from app.services.projects import projects_of
from app.services.sign_in import MOST_FAILURES, SignInRefused, actor_for, sign_in
from app.services.tokens import bearer, create_token, my_tokens, revoke_token
from storage.account_rows import ApiToken
from storage.errors import NotFound
from storage.models import Role
from tests.app.conftest import ADMIN, ENGINEER, settings_in

PASSWORD = "three grey parts"


@pytest.fixture
def empty(tmp_path):
    context = open_context(settings_in(tmp_path / "home"))
    yield context
    context.database.dispose()


@pytest.fixture
def ida(trained):
    create_account(trained, ADMIN, name="ida", password=PASSWORD, role=Role.inspector)
    return actor_for(trained, sign_in(trained, "ida", PASSWORD))


def test_a_token_does_what_its_scopes_say_in_its_project_alone(trained, ida):
    create_project(trained, ENGINEER, name="other", built_in=True)
    set_role(trained, ADMIN, "other", "ida", Role.engineer)
    script = bearer(trained, create_token(trained, ida, "tile", name="line 2", scopes=["read"]))
    assert (script.name, script.role, script.scopes) == ("ida/line 2", Role.viewer, {"read"})
    assert [project.slug for project in projects_of(trained, script)] == ["tile"]
    assert image_bytes(trained, script, 1, thumb=True)
    with pytest.raises(NotAllowed):
        set_role(trained, script, "tile", "ida", Role.engineer)
    with pytest.raises(Refused, match="no project 'other'"):
        set_role(trained, script, "other", "ida", Role.viewer)
    with pytest.raises(NotAllowed, match="a token is for its project alone"):
        create_token(trained, script, "tile", name="more", scopes=["read"])


def test_a_token_may_never_more_than_its_account(trained, ida):
    with pytest.raises(NotAllowed, match="needs engineer"):
        create_token(trained, ida, "tile", name="camera", scopes=["score"])
    token = create_token(trained, ida, "tile", name="robot", scopes=["label"])
    set_role(trained, ADMIN, "tile", "ida", Role.viewer)
    assert bearer(trained, token).role is Role.viewer
    set_role(trained, ADMIN, "tile", "ida", None)
    with pytest.raises(NotFound):
        image_bytes(trained, bearer(trained, token), 1, thumb=True)


def test_a_revoked_token_and_a_closed_account_open_nothing(trained, ida):
    token, other = (create_token(trained, ida, "tile", name=name, scopes=["read"]) for name in ("a", "b"))
    script = bearer(trained, token)
    revoke_token(trained, ida, my_tokens(trained, ida)[1].id)
    assert bearer(trained, token) is None
    with pytest.raises(SignedOut, match="revoked"):
        image_bytes(trained, script, 1, thumb=True)
    set_disabled(trained, ADMIN, "ida", disabled=True)
    assert bearer(trained, other) is None and bearer(trained, "bgad_nonsense") is None


def test_a_token_is_kept_as_a_digest_and_shown_to_its_owner_without_itself(trained, ida):
    token = create_token(trained, ida, "tile", name="line 2", scopes=["read"], days=7)
    with trained.database.read() as session:
        row = session.get_one(ApiToken, 1)
    assert token not in repr(vars(row)) and len(row.token_sha256) == 64
    assert [(view.name, view.scopes) for view in my_tokens(trained, ida)] == [("line 2", ["read"])]


def test_nobody_revokes_somebody_elses_token(trained, ida):
    create_token(trained, ida, "tile", name="line 2", scopes=["read"])
    create_account(trained, ADMIN, name="otto", password=PASSWORD, role=Role.engineer)
    otto = actor_for(trained, sign_in(trained, "otto", PASSWORD))
    assert my_tokens(trained, otto) == []
    with pytest.raises(NotFound):
        revoke_token(trained, otto, 1)
    assert len(my_tokens(trained, ida)) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": " ", "scopes": ["read"]}, "cannot be used"),
        ({"name": "a", "scopes": []}, "not known"),
        ({"name": "a", "scopes": ["write"]}, "not known"),
        ({"name": "a", "scopes": ["read"], "days": 4000}, "4000 days"),
    ],
)
def test_an_unusable_token_is_refused_with_a_reason(trained, ida, given, says):
    with pytest.raises(Refused, match=says):
        create_token(trained, ida, "tile", **given)


def test_the_first_admin_is_made_once_by_the_command_lines_code(empty):
    assert not code_is_out(empty)
    void, code = make_code(empty, OPERATOR), make_code(empty, OPERATOR)
    assert code_is_out(empty)
    with pytest.raises(SignInRefused, match="wrong"):
        make_first_admin(empty, code=void, name="root", password=PASSWORD)
    token = make_first_admin(empty, code=f" {code.upper()} ", name="root", password=PASSWORD)
    assert actor_for(empty, token).role is Role.admin and not code_is_out(empty)
    with pytest.raises(SignInRefused, match="wrong"):
        make_first_admin(empty, code=code, name="root2", password=PASSWORD)
    with pytest.raises(Refused, match="an admin already"):
        make_code(empty, OPERATOR)


def test_codes_are_not_guessed(empty):
    make_code(empty, OPERATOR)
    for _ in range(MOST_FAILURES):
        with pytest.raises(SignInRefused, match="wrong"):
            make_first_admin(empty, code="guess", name="eve", password=PASSWORD)
    with pytest.raises(SignInRefused, match="wait 10 minutes"):
        make_first_admin(empty, code="guess", name="eve", password=PASSWORD)


def test_the_web_gives_no_code(trained, ida):
    with pytest.raises(NotAllowed):
        make_code(trained, ida)


def test_everybody_sees_and_ends_their_own_sign_ins(trained, ida):
    other = sign_in(trained, "ida", PASSWORD, browser="Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36")
    places = my_sign_ins(trained, ida)
    assert {(place.browser, place.here) for place in places} == {
        ("Chrome on Windows", False),
        ("another browser on another system", True),
    }
    end_sign_in(trained, ida, next(place.handle for place in places if not place.here))
    assert actor_for(trained, other) is None and len(my_sign_ins(trained, ida)) == 1
    with pytest.raises(NotFound):
        end_sign_in(trained, ida, "0" * 16)
    sign_in(trained, "ida", PASSWORD)
    assert end_other_sign_ins(trained, ida) == 1


def test_a_password_is_changed_by_who_knows_the_old_one(trained, ida):
    other = sign_in(trained, "ida", PASSWORD)
    with pytest.raises(Refused, match="old password is wrong"):
        change_password(trained, ida, old="not this one", new="four green parts")
    change_password(trained, ida, old=PASSWORD, new="four green parts")
    assert actor_for(trained, other) is None and len(my_sign_ins(trained, ida)) == 1
    assert sign_in(trained, "ida", "four green parts")


def test_a_browsers_name_is_told_by_what_only_it_says():
    assert browser_name("Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537 Edg/140") == "Edge on Linux"
    assert browser_name("Mozilla/5.0 (iPhone; CPU iPhone OS 19 like Mac OS X) Safari/604") == "Safari on iPhone"
