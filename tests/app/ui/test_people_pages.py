"""Members, People, Audit and Account: who may what, and who did what."""

from app.services.accounts import create_account
from app.services.members import members_of
from app.services.sign_in import sign_in
from app.services.tokens import bearer
from storage.models import Role
from tests.app.conftest import ADMIN
from tests.app.ui.visitor import button, run


def test_an_engineer_gives_and_takes_roles(served, visit):
    create_account(served, ADMIN, name="nora", password="three grey parts", role=None)
    at = visit("members")
    at.text_input(key="member-name").set_value("nora")
    at.button[-1].click()
    run(at)
    assert {member.name: member.role for member in members_of(served, ADMIN, "tile")}["nora"] is Role.inspector
    at.selectbox(key="role-nora").set_value("no role")
    run(at)
    button(at, "change-nora").click()
    run(at)
    assert "nora" not in {member.name for member in members_of(served, ADMIN, "tile")}


def test_an_admin_makes_an_account_whose_password_is_shown_once(served, visit):
    at = visit("people", "admin")
    at.text_input(key="people-name").set_value("nora")
    at.button[-1].click()
    run(at)
    assert "shown this once" in at.success[0].value and sign_in(served, "nora", at.code[0].value)
    assert not run(at).code


def test_an_admin_reads_and_verifies_the_trail(visit):
    at = visit("audit", "admin")
    assert {"sign in", "create account"} <= set(at.dataframe[0].value["what"])
    at.text_input(key="audit-by").set_value("admin")
    button(at, "audit-verify").click()
    run(at)
    assert "follow one another" in at.success[0].value
    assert set(at.dataframe[0].value["who"]) == {"admin"}


def test_a_token_is_made_shown_once_and_revoked(served, visit):
    at = visit("account")
    at.text_input(key="token-name").set_value("line 2")
    at.button[-1].click()
    run(at)
    made = at.code[0].value
    assert bearer(served, made).name == "engineer/line 2"
    button(at, "revoke-1").click()
    run(at)
    assert bearer(served, made) is None and not at.code
