"""Pasted defects before a retrain: pictures by the worker, served behind the gate, refused without a mask."""

import io

import pytest
from PIL import Image as Pillow

from app.ledger import begin, finish
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.preview import last_preview, pasted_png, request_preview
from app.services.retrain import run_view
from app.worker.loop import handlers
from storage.errors import NotFound
from storage.models import Role, RunState
from tests.app.conftest import ENGINEER, INSPECTOR


def test_the_known_defects_are_pasted_and_outlined(twice):
    run_id = request_preview(twice, ENGINEER, "tile", preset="demo")
    assert request_preview(twice, ENGINEER, "tile") == run_id
    job = begin(twice.database, run_id)
    handlers(twice)["preview"](job)
    finish(job)
    assert run_view(twice, ENGINEER, run_id).state is RunState.done
    found, count = last_preview(twice, INSPECTOR, "tile")
    assert found == run_id and 6 <= count <= 12
    picture = Pillow.open(io.BytesIO(pasted_png(twice, INSPECTOR, run_id, 0)))
    assert picture.size == (64, 64)
    assert (224, 49, 49) in {colour for _, colour in picture.convert("RGB").getcolors(64 * 64)}
    with pytest.raises(NotFound, match="no pasted picture 99"):
        pasted_png(twice, INSPECTOR, run_id, 99)
    with pytest.raises(NotFound):
        pasted_png(twice, INSPECTOR, "nowhere", 0)


def test_without_a_mask_there_is_nothing_to_cut(trained):
    with pytest.raises(Refused, match="none of the 0 known defects has a mask"):
        request_preview(trained, ENGINEER, "tile")
    with pytest.raises(NotAllowed):
        request_preview(trained, Actor("ian", Role.inspector), "tile")
    assert last_preview(trained, INSPECTOR, "tile") is None
