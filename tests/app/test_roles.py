"""Role x use case x object: every use case is called on another project's objects, below its role, and signed out.

The use cases are found by reading the package, so that a new one is held to the same as soon as it exists.
"""

import importlib
import inspect
import pkgutil

import pytest
from sqlalchemy import select

import app.services
from app.services.accounts import create_account
from app.services.annotation.import_plan import Change, Plan
from app.services.authority import Actor, NotAllowed, SignedOut
from app.services.bias import request_bias_check
from app.services.errors import Refused
from app.services.gate import Gate
from app.services.ingest import create_project
from app.services.label_formats.stored import Stored
from app.services.members import set_role
from app.services.projects import projects_of
from app.services.queue import queue_for
from app.services.retrain import request_retraining
from app.services.sign_in import actor_for, sign_in, sign_out
from app.services.trigger import Triggers
from storage.account_rows import FailedSignIn, Membership, SignIn
from storage.errors import StorageError
from storage.models import Annotation, Base, Image, Role, Verdict, Version
from tests.app.conftest import ADMIN, ENGINEER

PASSWORD = "three grey parts"
# Who may do less than see everything: each use case that changes something, or shows what is not for every viewer.
LEAST = {
    Role.inspector: "save_verdict save_sent undo restore skip offer_again claim mark_normal",
    Role.reviewer: "review_label suspects unseen agreement set_blind_share export_labels import_labels plan_import "
    "save_import undo_import "
    "request_contamination odd_normals",
    Role.engineer: (
        "request_ingest ingest_source stage_upload create_project request_retraining cancel request_scoring promote "
        "set_operating_point set_gate set_triggers request_bias_check request_comparison request_verification "
        "request_preview members_of set_role set_audit_share"
    ),
    Role.admin: "create_account people set_password set_admin set_disabled trail trail_actions trail_csv verify_trail "
    "make_code make_backup what_goes remove_project tidy set_keep_days",
}
NEEDS = {name: role for role, names in LEAST.items() for name in names.split()}
OF_NO_PROJECT = {"projects_of", "role_of", "create_project", "stage_upload"}
# One's own account, whatever the role: test_tokens.py
OWN = {"my_sign_ins", "end_sign_in", "end_other_sign_ins", "change_password", "my_tokens", "revoke_token"}
# What the use cases ask, without a transaction of their own; and what the command line does before there is a database.
RULES = {"role_in", "require", "refuse_below", "account_of", "project_of", "image_of", "version_of", "run_of"}
RULES |= {"annotation_of", "visible_projects", "restore_backup"}


def use_cases():
    found = {}
    for info in pkgutil.walk_packages(app.services.__path__, "app.services."):
        module = importlib.import_module(info.name)
        for name, function in vars(module).items():
            own = inspect.isfunction(function) and function.__module__ == info.name and not name.startswith("_")
            if own and "actor" in inspect.signature(function).parameters and name not in RULES:
                found[f"{info.name.rsplit('.', 1)[-1]}.{name}"] = function
    return found


USE_CASES = use_cases()


@pytest.fixture
def objects(trained, tmp_path):
    """What a request could name in "tile": by parameter name, for any use case."""
    create_project(trained, ENGINEER, name="other", built_in=True)
    run_id = request_retraining(trained, ENGINEER, "tile", preset="demo")
    with trained.database.read() as session:
        image = session.scalar(select(Image.id).order_by(Image.id))
        label = session.scalars(select(Annotation).order_by(Annotation.id)).first()
        version = session.scalar(select(Version.id))
    (tmp_path / "labels.json").write_text("{}")
    return {
        "project_slug": "tile", "slug": "tile", "image_id": image, "version_id": version, "annotation_id": label.id,
        "run_id": run_id, "number": 1, "first": 1, "second": 1, "index": 0, "image_ids": [image], "files": [],
        "queue": queue_for(trained, ENGINEER, "tile"), "source": tmp_path / "labels.json", "out": tmp_path / "out",
        "format": "coco", "verdict": Verdict.defect, "client_id": "x" * 32, "expected_revision": label.revision,
        "revision": 1, "accepted": True, "thumb": True, "gate": Gate(), "triggers": Triggers(), "share": 0.2,
        "alpha": 0.3, "promise": "boundary", "name": "eve", "password": PASSWORD, "token_id": 1, "handle": "0" * 16,
        "old": PASSWORD, "new": PASSWORD, "confirm": "tile", "days": 90,
        "scopes": ["read"], "role": Role.viewer, "import_id": 1,
        "plan": Plan(changes=[Change(image, "a", "a", Stored(Verdict.unsure, None, None, None, {}), None, 1)]),
        "admin": True, "disabled": True, "defect_type": "dent", "mask": None, "typed": {},
    }  # fmt: skip


@pytest.fixture
def person(trained, objects):
    """Makes an account with roles, signs it in, and returns (its actor, its token)."""

    def make(name, **roles):
        create_account(trained, ADMIN, name=name, password=PASSWORD, role=None)
        for slug, role in roles.items():
            set_role(trained, ADMIN, slug, name, role)
        token = sign_in(trained, name, PASSWORD)
        return actor_for(trained, token), token

    return make


def call(context, function, actor, objects):
    parameters = inspect.signature(function).parameters
    wanted = [name for name, p in parameters.items() if p.default is p.empty and name not in ("context", "actor")]
    unknown = [name for name in wanted if name not in objects]
    assert not unknown, f"{function.__name__} asks for {unknown}: say above what it is of another project's"
    return function(context, actor, **{name: objects[name] for name in wanted})


def everything(context):
    """All rows but those that only say who came and went."""
    left_out = {SignIn.__tablename__, FailedSignIn.__tablename__, "audit", "audit_head"}
    with context.database.read() as session:
        tables = [table for table in Base.metadata.sorted_tables if table.name not in left_out]
        return {table.name: sorted(map(repr, session.execute(select(table)))) for table in tables}


def test_whoever_has_no_role_in_a_project_reaches_nothing_of_it(trained, objects, person):
    actor, _ = person("otto", other=Role.engineer)
    create_account(trained, ADMIN, name="eve", password=PASSWORD, role=None)
    before = everything(trained)
    for label, function in USE_CASES.items():
        if label.split(".")[1] in OF_NO_PROJECT | OWN:
            continue
        with pytest.raises((Refused, StorageError)) as refused:
            call(trained, function, actor, objects)
        said = str(refused.value)
        assert (
            "no project 'tile' (there is: other)" in said
            or "there is no" in said
            or "needs admin" in said
            or "from the command line alone" in said
        ), label
    assert everything(trained) == before
    assert [project.slug for project in projects_of(trained, actor)] == ["other"]


@pytest.mark.parametrize("role", [None, Role.viewer, Role.inspector, Role.reviewer, Role.engineer])
def test_below_its_role_no_use_case_does_anything(trained, objects, person, role):
    actor, _ = person("ida", **({"tile": role} if role else {}))
    create_account(trained, ADMIN, name="eve", password=PASSWORD, role=None)
    before = everything(trained)
    refused = 0
    for label, function in USE_CASES.items():
        needed = NEEDS.get(label.split(".")[1], Role.viewer)
        free = label.split(".")[1] in OWN | {"projects_of", "role_of"}
        if free or (role is not None and role.value >= needed.value):
            continue
        with pytest.raises((Refused, StorageError)) as why:
            call(trained, function, actor, objects)
        assert isinstance(why.value, NotAllowed) or (role is None and "there is no" in str(why.value)), label
        refused += 1
    assert everything(trained) == before and refused >= 5


def test_what_a_role_may_is_not_refused_for_the_role(trained, objects, person):
    create_account(trained, ADMIN, name="eve", password=PASSWORD, role=None)
    for role in (Role.viewer, Role.inspector, Role.reviewer, Role.engineer):
        actor, _ = person(role.name, tile=role)
        for label, function in USE_CASES.items():
            if NEEDS.get(label.split(".")[1], Role.viewer) is not role:
                continue
            try:
                call(trained, function, actor, objects)
            except NotAllowed as refused:
                pytest.fail(f"{label} is refused to a {role.name}: {refused}")
            except (Refused, StorageError):
                pass  # another reason, such as nothing to undo


def test_a_sign_in_that_was_revoked_half_way_does_nothing_more(trained, objects, person):
    create_account(trained, ADMIN, name="eve", password=PASSWORD, role=None)
    actor, token = person("ann2", tile=Role.engineer)
    sign_out(trained, token)
    before = everything(trained)
    for label, function in USE_CASES.items():
        with pytest.raises((SignedOut, NotAllowed)):
            call(trained, function, actor, objects)
            pytest.fail(f"{label} went on for a sign-in that was revoked")
    assert everything(trained) == before


def test_a_role_that_was_taken_away_ends_at_the_next_use_case(trained, person):
    actor, _ = person("ann3", tile=Role.engineer)
    request_bias = lambda: request_bias_check(trained, actor, "tile")  # noqa: E731
    with pytest.raises(Refused, match="one defect type"):
        request_bias()  # allowed, and refused for another reason
    set_role(trained, ADMIN, "tile", "ann3", Role.inspector)
    with pytest.raises(NotAllowed, match="ann3 is inspector in tile, and this needs engineer"):
        request_bias()
    set_role(trained, ADMIN, "tile", "ann3", None)
    with pytest.raises(Refused, match="no project 'tile'"):
        request_bias()


def test_whoever_makes_a_project_is_its_engineer_and_nobody_elses(trained, person):
    actor, _ = person("ann4", tile=Role.engineer)
    create_project(trained, actor, name="gear", built_in=True)
    with trained.database.read() as session:
        rows = session.execute(select(Membership.project_id, Membership.role)).all()
    assert len(rows) == 2 and {role for _, role in rows} == {Role.engineer}
    assert [project.slug for project in projects_of(trained, actor)] == ["gear", "tile"]


def test_engineers_give_roles_in_their_own_project_alone(trained, objects, person):
    actor, _ = person("otto", other=Role.engineer)
    create_account(trained, ADMIN, name="eve", password=PASSWORD, role=None)
    set_role(trained, actor, "other", "eve", Role.viewer)
    with pytest.raises(Refused, match="no project 'tile'"):
        set_role(trained, actor, "tile", "eve", Role.viewer)
    with pytest.raises(Refused, match="admin belongs to no project"):
        set_role(trained, actor, "other", "eve", Role.admin)
    with pytest.raises(Refused, match="no account 'nobody'"):
        set_role(trained, actor, "other", "nobody", Role.viewer)


def test_the_machine_itself_needs_no_account(trained):
    assert Actor("cli", Role.admin).credential is None
    assert [project.slug for project in projects_of(trained, ADMIN)] == ["tile"]
