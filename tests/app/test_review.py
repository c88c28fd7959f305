"""Review: histograms, drift, what flips, and who decides."""

import shutil
import uuid

import pytest
from sqlalchemy import select

from app.services.authority import Actor, NotAllowed
from app.services.context import open_context
from app.services.drift import boundary_drift
from app.services.errors import Refused
from app.services.home import home_view
from app.services.impact import impact, promote, promotions_of
from app.services.label import save_verdict
from app.services.review import likelihood_histograms, versions_view
from app.services.score import ranked_queue
from storage import scores
from storage.errors import NotFound
from storage.models import AuditEntry, Role, Standing, Verdict
from tests.app.conftest import ENGINEER, scratch_mask, settings_in, train

IDA = Actor("ida", Role.inspector)


@pytest.fixture(scope="module")
def twice_home(trained_home, tmp_path_factory):
    """The trained project after three labelled defects and a second version; made once."""
    home = tmp_path_factory.mktemp("twice") / "home"
    shutil.copytree(trained_home, home)
    context = open_context(settings_in(home))
    for item in ranked_queue(context, IDA, "tile", show="unlabelled").items[:3]:
        save_verdict(
            context, IDA, item.image_id, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
            client_id=str(uuid.uuid4()), expected_revision=0,
        )  # fmt: skip
    train(context, "tile")
    context.database.dispose()
    return home


@pytest.fixture
def twice(twice_home, tmp_path):
    """An installation of its own with two versions."""
    shutil.copytree(twice_home, tmp_path / "home")
    context = open_context(settings_in(tmp_path / "home"))
    yield context
    context.database.dispose()


def test_the_second_version_is_a_candidate_that_learnt_from_the_labels(twice):
    second, first = versions_view(twice, IDA, "tile")
    assert (second.number, second.decides, second.known_anomalies) == (2, False, 3)
    assert (first.number, first.decides, first.known_anomalies) == (1, True, 0)
    assert second.parent_number == 1 and second.by == "ann" and second.reason == "a test"
    assert second.metrics["n_normal"] == 3 and second.metrics["n_abnormal"] == 3
    assert second.parent_metrics == first.metrics  # the same model on the same held-out images and labels


def test_histograms_are_shares_of_each_group_over_one_axis(twice):
    found = likelihood_histograms(twice, IDA, "tile", 2)
    assert list(found) == ["fused", "1", "2", "3"]
    for level, histogram in found.items():
        assert set(histogram.shares) == {"normal", "known", "held-out", "new"}, level
        for share in histogram.shares.values():
            assert sum(share) == pytest.approx(1.0)
        assert histogram.centres == sorted(histogram.centres) and histogram.b_a < histogram.b_n
        assert 0.0 <= histogram.margin["normal"] <= 1.0 and 0.0 <= histogram.overlap <= 1.0
    assert found["fused"].part_b_n is not None and found["1"].part_b_n is None
    assert "known" not in likelihood_histograms(twice, IDA, "tile", 1)["fused"].shares  # nothing was known on day one


def test_drift_lists_every_level_of_every_version_oldest_first(twice):
    points = boundary_drift(twice, IDA, "tile")
    assert [p.number for p in points if p.level == "part"] == [1, 2]
    assert {p.level for p in points} == {"1", "2", "3", "fused", "part"}
    assert all(p.b_a < p.b_n and p.noise > 0 for p in points)
    assert {p.number for p in points if p.decides} == {1}


def test_what_flips_is_counted_by_what_the_label_says(twice):
    found = impact(twice, IDA, "tile", 2)
    assert found.images == 22
    with twice.database.write() as session:  # the candidate now passes everything it had stopped, and the reverse
        before = {row.image_id: row for row in scores.scores_of(session, 1)}
        after = scores.scores_of(session, 2)
        for row in after:
            stopped = before[row.image_id].standing is not Standing.normal
            row.standing = Standing.normal if stopped else Standing.defect
    turned = impact(twice, IDA, "tile", 2)
    assert sorted(turned.flips) == sorted(before)
    labelled_defects, labelled_normals = 3 + 3, 10 + 3
    assert turned.caught + turned.missed == labelled_defects
    assert turned.freed + turned.stopped == labelled_normals
    assert impact(twice, IDA, "tile", 1) is None  # it decides already


def test_promoting_and_rolling_back_are_two_entries_of_one_record(twice):
    promote(twice, ENGINEER, "tile", 2, reason="catches scratches")
    assert ranked_queue(twice, IDA, "tile").version_number == 2
    promote(twice, ENGINEER, "tile", 1, reason="stops good parts")
    rows = [(number, row.by, row.reason) for row, number in promotions_of(twice, IDA, "tile")]
    assert rows == [
        (1, "ann", "stops good parts"),
        (2, "ann", "catches scratches"),
        (1, "system", "the first version"),
    ]
    with twice.database.read() as session:
        actions = session.scalars(select(AuditEntry.details).where(AuditEntry.action == "promote")).all()
    assert [entry["version"] for entry in actions] == [2, 1]


def test_a_promotion_that_makes_no_sense_is_refused(twice):
    with pytest.raises(Refused, match="v1 decides already"):
        promote(twice, ENGINEER, "tile", 1)
    with pytest.raises(NotFound, match="no version v7"):
        promote(twice, ENGINEER, "tile", 7)
    with pytest.raises(NotAllowed, match="needs engineer"):
        promote(twice, IDA, "tile", 2)


def test_home_counts_what_waits(trained):
    before = home_view(trained, IDA, "tile")
    assert (before.images, before.unlabelled, before.version_number, before.newest_number) == (22, 6, 1, 1)
    assert (before.new_normals, before.new_anomalies, before.built_in) == (0, 0, True)
    item = ranked_queue(trained, IDA, "tile", show="unlabelled").items[0]
    save_verdict(trained, IDA, item.image_id, verdict=Verdict.defect, client_id="one", expected_revision=0)
    after = home_view(trained, IDA, "tile")
    assert (after.unlabelled, after.new_anomalies) == (5, 1)
