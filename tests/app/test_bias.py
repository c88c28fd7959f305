"""The bias check as a job: what it leaves out, what it measures on, and what it refuses."""

import numpy as np
import pytest

from app.ledger import begin, finish
from app.services.bias import last_bias_check, request_bias_check
from app.services.errors import Refused
from app.services.label import save_verdict
from app.services.retrain import run_view
from app.services.score import ranked_queue
from app.worker.loop import handlers
from storage.masks import encode_mask
from storage.models import RunState, Verdict
from tests.app.conftest import ENGINEER, INSPECTOR, scratch_mask


def label(context, kinds, others=()):
    for number, (item, kind) in enumerate(
        zip(ranked_queue(context, INSPECTOR, "tile", show="unlabelled").items, kinds, strict=False)
    ):
        save_verdict(
            context, INSPECTOR, item.image_id, verdict=Verdict.defect, defect_type=kind, mask_png=scratch_mask(),
            client_id=f"b{number}", expected_revision=0, typed_png=others[number] if number < len(others) else None,
        )  # fmt: skip


@pytest.mark.slow
def test_every_type_is_left_out_once_and_held_against_normal_parts_alone(trained):
    corner = np.zeros((64, 64), bool)
    corner[:8, :8] = True
    label(trained, ["scratch", "dent", "scratch"], [{"dent": encode_mask(corner)}])
    run_id = request_bias_check(trained, ENGINEER, "tile")
    assert request_bias_check(trained, ENGINEER, "tile") == run_id
    job = begin(trained.database, run_id)
    handlers(trained)["bias"](job)
    finish(job)
    run = run_view(trained, ENGINEER, run_id)
    assert run.state is RunState.done, run.error
    found = last_bias_check(trained, INSPECTOR, "tile")
    by_name = {row.name: row for row in found.types}
    assert set(by_name) == {"dent", "scratch"}
    assert by_name["scratch"].unseen.total == by_name["scratch"].normal_only.total == 3 + 2  # held-out and left out
    assert by_name["scratch"].seen.total == 3 and by_name["dent"].seen.total == 0
    assert by_name["dent"].unseen.total == 2  # the part that has both among them
    for row in found.types:
        assert row.unseen.count == row.normal_only.count - row.lost + row.gained
    assert set(found.alarms) == {"normal parts alone", "all types", "dent", "scratch"}
    assert all(share.total == 3 for share in found.alarms.values())


def test_one_type_is_too_few_to_leave_one_out(trained):
    label(trained, ["scratch"])
    with pytest.raises(Refused, match="the known defects have 1: label defects of at least two types"):
        request_bias_check(trained, ENGINEER, "tile")
    assert last_bias_check(trained, INSPECTOR, "tile") is None
