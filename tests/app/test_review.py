"""Review: histograms, drift, what flips, and who decides."""

import csv
from dataclasses import asdict

import pytest
from sqlalchemy import select

from app.ledger import begin, finish
from app.services.authority import Actor, NotAllowed
from app.services.drift import boundary_drift, judgements
from app.services.errors import Refused
from app.services.gate import Check, Gate, failed, gate_words, project_gate, set_gate
from app.services.home import home_view
from app.services.impact import impact, promote, promotions_of
from app.services.ingest import ingest_source
from app.services.label import save_verdict
from app.services.review import histogram_csv, in_bins_of, likelihood_histograms, sides_of, versions_view
from app.services.score import ranked_queue, request_scoring
from app.worker.loop import handlers
from storage import scores
from storage.audit_rows import AuditEntry
from storage.errors import NotFound
from storage.models import Role, Standing, Verdict
from tests.app.conftest import ENGINEER, part

IDA = Actor("ida", Role.inspector)


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
        assert histogram.overlap_held_out == pytest.approx(
            sum(min(a, b) for a, b in zip(histogram.shares["normal"], histogram.shares["held-out"], strict=True))
        )
    assert found["fused"].part_b_n is not None and found["1"].part_b_n is None
    assert "known" not in likelihood_histograms(twice, IDA, "tile", 1)["fused"].shares  # nothing was known on day one


def test_two_versions_over_one_axis_are_as_high_as_they_are_dense(twice):
    this, other = (likelihood_histograms(twice, IDA, "tile", number)["fused"] for number in (2, 1))
    areas = []
    for centres, shares in ((this.centres, this.shares), (other.centres, in_bins_of(this, other))):
        areas.append(sum(shares["normal"]) * (centres[1] - centres[0]))
    assert this.centres != other.centres and areas[0] == pytest.approx(areas[1])


def test_counts_lie_on_the_sides_of_the_boundary_and_go_out_as_csv(twice):
    this, other = (likelihood_histograms(twice, IDA, "tile", number)["1"] for number in (2, 1))
    for group, (below, inside, above) in this.sides.items():
        assert below + inside + above == this.cells[group]
        assert inside / this.cells[group] == pytest.approx(this.margin[group])
    assert {row["version"] for row in sides_of(this, other)} == {"v2", "v1"}
    rows = list(csv.DictReader(histogram_csv(this, other).splitlines()))
    assert len(rows) == 120 * (4 + 3)  # nothing was known on day one
    mine = [float(row["share"]) for row in rows if (row["version"], row["group"]) == ("2", "known")]
    assert mine == pytest.approx(this.shares["known"], abs=1e-8)


def test_drift_lists_every_level_of_every_version_oldest_first(twice):
    points = boundary_drift(twice, IDA, "tile")
    assert [p.number for p in points if p.level == "part"] == [1, 2]
    assert {p.level for p in points} == {"1", "2", "3", "fused", "part"}
    assert all(p.b_a < p.b_n and p.noise > 0 for p in points)
    assert {p.number for p in points if p.decides} == {1}
    for point in points:
        assert {"b_n", "b_a", "spread"} <= set(point.bands)
        assert all(low <= value <= high for value, low, high in point.bands.values())
        assert point.bands["b_n"][0] == point.b_n
    assert {p.number for p in points if "overlap" in p.bands} == {2}  # nothing was known on day one
    (found,) = judgements(twice, IDA, "tile")
    assert (found.number, found.against, found.repeats, found.judged, found.alarms) == (2, 1, 0, False, [])
    assert set(found.moves) == {"1", "2", "3", "fused", "part"}


def test_what_flips_is_counted_by_what_the_label_says(twice):
    found = impact(twice, IDA, "tile", 2)
    assert found.images == 22
    before = turn_round(twice)
    turned = impact(twice, IDA, "tile", 2)
    assert sorted(turned.flips) == sorted(before)
    labelled_defects, labelled_normals = 3 + 3, 10 + 3
    assert turned.caught + turned.missed == labelled_defects
    assert turned.freed + turned.stopped == labelled_normals
    assert impact(twice, IDA, "tile", 1) is None  # it decides already
    for groups in (turned.by_type, turned.by_person):
        assert sum(group.caught + group.lost for group in groups) == labelled_defects
        assert sum(group.freed + group.stopped for group in groups) == labelled_normals
        assert sum(group.open_freed + group.open_stopped for group in groups) == 22 - 19
    assert {group.name for group in turned.by_type} == {"scratch", "good parts", "not labelled"}
    assert {group.name for group in turned.by_person} == {"import", "ida", "nobody yet"}
    lost = [flip.image_id for flip in turned.flipped if flip.row.verdict is Verdict.defect and not flip.after]
    assert turned.flips[: len(lost)] == lost and len(lost) == turned.missed  # what matters most comes first


def turn_round(context):
    """Let v2 pass everything that v1 stops, and the reverse; returns the ids."""
    with context.database.write() as session:
        before = {row.image_id: row for row in scores.scores_of(session, 1)}
        for row in scores.scores_of(session, 2):
            stopped = before[row.image_id].standing is not Standing.normal
            row.standing = Standing.normal if stopped else Standing.defect
    return before


def test_the_gate_holds_back_a_version_that_loses_confirmed_defects(twice):
    turn_round(twice)
    found = impact(twice, ENGINEER, "tile", 2)
    against = {check.name for check in failed(found.checks)}
    assert found.missed > 0 and "confirmed defects" in against
    with pytest.raises(Refused, match=r"the gate holds v2 back: confirmed defects: \d of \d"):
        promote(twice, ENGINEER, "tile", 2, reason="it is newer")
    with pytest.raises(Refused, match="needs a reason"):
        promote(twice, ENGINEER, "tile", 2, override=True, reason="  ")
    assert ranked_queue(twice, IDA, "tile").version_number == 1
    promote(twice, ENGINEER, "tile", 2, override=True, reason="line stands still")
    kept, number = promotions_of(twice, IDA, "tile")[0]
    assert number == 2 and kept.gate["overridden"] and kept.reason == "line stands still"
    assert {check["name"] for check in kept.gate["checks"] if check["passed"] is False} == against
    promote(twice, ENGINEER, "tile", 1)  # back at once: what was safe before needs no gate
    assert not promotions_of(twice, IDA, "tile")[0][0].gate["overridden"]


def recorded(context):
    """The gate of every promotion, the latest first, in the words of the audit trail."""
    with context.database.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "promote").order_by(AuditEntry.id.desc()))
        return [row.details["gate"] for row in rows]


def test_the_record_of_a_promotion_tells_what_the_gate_computed_and_who_went_past_it(twice):
    turn_round(twice)
    promote(twice, ENGINEER, "tile", 2, override=True, reason="line stands still")
    with twice.database.write() as session:  # v2 stops everything now and v1 nothing: going back loses every defect
        for number, standing in ((1, Standing.normal), (2, Standing.defect)):
            for row in scores.scores_of(session, number):
                row.standing = standing
    back = impact(twice, ENGINEER, "tile", 1)
    promote(twice, ENGINEER, "tile", 1)
    over, first = (gate_words(row.gate, row.by) for row, _ in promotions_of(twice, IDA, "tile")[1:])
    assert over.startswith(f"failed, overridden by {ENGINEER.name}: confirmed defects: ")
    assert first == "not computed"
    against = failed(back.checks)
    assert against and recorded(twice)[1] == over
    rolled = recorded(twice)[0]
    assert rolled.startswith(f"failed, rolled back by {ENGINEER.name}, which no gate holds back: ")
    assert all(f"{check.name}: {check.words}" in rolled for check in against)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([True, True], "passed"),
        ([True, None], "passed, but too few images to judge 1"),
        ([None, None], "not judged: too few images"),
        ([None, False], "failed, overridden by eve: 1: so"),
    ],
)
def test_a_gate_passed_only_where_something_was_judged_and_nothing_failed(answers, said):
    found = [asdict(Check(str(i), answer, "so")) for i, answer in enumerate(answers)]
    assert gate_words({"checks": found, "overridden": False in answers}, "eve") == said


def test_a_project_asks_its_own_gate(twice):
    turn_round(twice)
    set_gate(twice, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
    assert project_gate(twice, IDA, "tile").lost == 99
    assert failed(impact(twice, IDA, "tile", 2).checks) == []
    assert promote(twice, ENGINEER, "tile", 2).gate["overridden"] is False
    with pytest.raises(Refused, match="have to be shares"):
        set_gate(twice, ENGINEER, "tile", Gate(recall_floor=1.5))
    with pytest.raises(NotAllowed):
        set_gate(twice, IDA, "tile", Gate())


@pytest.mark.slow
def test_a_rolled_back_version_gives_exactly_its_old_scores_of_a_hundred_images(twice, tmp_path):
    (tmp_path / "late").mkdir()
    for i in range(78):
        (tmp_path / "late" / f"{i}.png").write_bytes(part(5000 + i, scratch=i % 5 == 0))
    ingest_source(twice, ENGINEER, "tile", tmp_path / "late", content="unknown")
    set_gate(twice, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
    before = scored(twice)
    promote(twice, ENGINEER, "tile", 2)
    other = scored(twice)
    promote(twice, ENGINEER, "tile", 1)
    assert len(before) == 100 and scored(twice) == before  # floats compared with ==: the same bits
    assert sum(other[i] != before[i] for i in before) > 50  # and the other one had scores of its own


def scored(context):
    """Every image's (score, standing) under the version that decides, after a worker scored what it had not."""
    job = begin(context.database, request_scoring(context, ENGINEER, "tile"))
    handlers(context)["score"](job)
    finish(job)
    return {i.image_id: (i.score, i.standing) for i in ranked_queue(context, IDA, "tile", limit=200).items}


def test_promoting_and_rolling_back_are_two_entries_of_one_record(twice):
    set_gate(twice, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
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
    assert [entry["version"] for entry in actions] == [1, 2, 1]


def test_the_first_version_is_promoted_through_the_same_door_as_any_other(trained):
    with trained.database.read() as session:
        ((by, details),) = session.execute(
            select(AuditEntry.by, AuditEntry.details).where(AuditEntry.action == "promote")
        )
    assert by == "system" and (details["version"], details["before"]) == (1, None)
    assert details["reason"] == "the first version" and details["gate"] == "not computed"


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
