"""The rule that decides is the one that every page speaks of and every count goes by: an operating point, or b_n."""

import itertools

import pytest

from app.services.certificate import certificate
from app.services.escapes import escapes
from app.services.home import home_view
from app.services.label import label_view
from app.services.operating import set_operating_point
from app.services.queue import queue_for
from app.services.review import likelihood_histograms
from app.services.rule import deciding_rule, line_at
from app.services.score import ranked_queue
from app.ui.certificate_page import certificate_page
from bgad_core.standing import score_at
from storage import scores, versions
from storage.models import Standing
from storage.scores import Narrow
from tests.app.calibrated import decide_at
from tests.app.conftest import ENGINEER, INSPECTOR


@pytest.fixture
def between(trained):
    """An operating point between the scores of what nobody labelled: two are good, two to be looked at, two defects."""
    items = ranked_queue(trained, INSPECTOR, "tile", show="unlabelled", order="calm").items
    values = [item.score for item in items]
    middle = [(low + high) / 2 for low, high in itertools.pairwise(values)]
    decide_at(trained, 1, stop=middle[1], reject=middle[3])
    return trained, [item.image_id for item in items]


def places(context, **given):
    page = ranked_queue(context, INSPECTOR, "tile", show="unlabelled", **given)
    return {item.image_id: item.standing for item in page.items}


def test_what_is_counted_shown_and_filtered_stands_by_the_operating_point(between):
    context, ids = between
    stands = dict(zip(ids, 2 * [Standing.normal] + 2 * [Standing.margin] + 2 * [Standing.defect], strict=True))
    assert places(context) == stands
    for standing in Standing:
        mine = {image_id: place for image_id, place in stands.items() if place is standing}
        assert places(context, narrow=Narrow(standing=standing)) == mine
    home, queue = home_view(context, INSPECTOR, "tile"), queue_for(context, INSPECTOR, "tile")
    assert (home.waiting_defect, home.waiting_margin) == (queue.waiting_defect, queue.waiting_margin) == (2, 2)
    assert {w.item.image_id: w.item.standing for w in queue.wanted} == stands
    assert {i: label_view(context, INSPECTOR, "tile", i).reading.standing for i in ids} == stands


def test_the_queue_asks_for_what_the_operating_point_stops_passes_and_doubts(between):
    context, ids = between
    stop = deciding_rule(context, INSPECTOR, "tile").stop
    asked = {ask: queue_for(context, INSPECTOR, "tile", ask=ask).wanted for ask in ("defect", "boundary", "audit")}
    assert {w.item.image_id for w in asked["defect"]} == set(ids[2:])
    assert {w.item.image_id for w in asked["audit"]} == set(ids[:2])
    assert {w.item.image_id for w in asked["boundary"]} == set(ids)
    away = [abs(item.score - stop) for item in ranked_queue(context, INSPECTOR, "tile", order="boundary").items]
    assert away == sorted(away) and len(away) == 22
    assert all(f"above {stop:.3f} is stopped" in w.why for w in asked["defect"])
    assert all(f"{stop:.3f}, above which parts are stopped" in w.why for w in asked["boundary"])
    assert "b_n" not in " ".join(w.why for wanted in asked.values() for w in wanted)
    assert escapes(context, INSPECTOR, "tile").checked == 0


def test_one_function_says_what_decides_and_where_b_n_does_the_words_stay(between):
    context, _ = between
    rule = deciding_rule(context, INSPECTOR, "tile")
    assert rule.name == "operating point" and rule.standing_words(Standing.margin) == "near the operating point"
    assert rule.line == f"A score above {rule.stop:.3f} is stopped: operating point α = 5 % (90 % confidence)."
    set_operating_point(context, ENGINEER, "tile", 1, promise="boundary")
    rule = deciding_rule(context, INSPECTOR, "tile")
    assert rule.name == "boundary" and rule.line == "A score above 0.50 lies beyond b_n."
    assert [rule.standing_words(s) for s in (Standing.normal, Standing.margin, Standing.defect)] == [
        "inside the boundary",
        "near the boundary",
        "beyond the boundary",
    ]
    with context.database.read() as session:
        stored = {row.image_id: row.standing for row in scores.scores_of(session, 1)}
    assert all(place is stored[image_id] for image_id, place in places(context).items())
    why = queue_for(context, INSPECTOR, "tile", ask="boundary").wanted[0].why
    assert "of a good part's spread" in why and "b_n" in why


def test_the_line_in_a_figure_is_where_the_score_is_the_stop(between):
    context, ids = between
    rule = deciding_rule(context, INSPECTOR, "tile")
    with context.database.read() as session:
        version = versions.version_by_number(session, 1, 1)
    rows = {row["level"]: row for row in version.boundaries}
    line = line_at(version, rule.stop)
    assert score_at(line, rows["fused"]["median"], rows["part"]["b_n"]) == pytest.approx(rule.stop)
    assert line_at(version, 0.5) == pytest.approx(rows["part"]["b_n"])
    found = likelihood_histograms(context, INSPECTOR, "tile", 1)
    assert found["fused"].part_stop == line and found["1"].part_stop is None
    page = certificate_page(certificate(context, INSPECTOR, "tile", 1))
    assert f"operating point {line:.2f}</text>" in page
    readings = [label_view(context, INSPECTOR, "tile", image_id).reading for image_id in ids]
    assert [reading.lowest < reading.line for reading in readings] == [False] * 2 + [True] * 4
    set_operating_point(context, ENGINEER, "tile", 1, promise="boundary")
    assert likelihood_histograms(context, INSPECTOR, "tile", 1)["fused"].part_stop is None
    assert label_view(context, INSPECTOR, "tile", ids[0]).reading.line is None
