"""A version outside of the tool: the same scores on both runtimes, and nothing that is damaged or edited in silence."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from sqlalchemy import select

from app.services.authority import OPERATOR
from app.services.certificate import certificate
from app.services.context import open_context
from app.services.errors import Refused
from app.services.operating import set_operating_point
from app.services.pictures import read_pixels
from app.services.rule import rule_of
from app.services.score import scoring_version
from app.services.trail import Filter, trail
from app.serving.bundle import DECISION, MANIFEST, SELF_TEST, Rule, Scale, open_bundle
from app.serving.scorer import TOLERANCE, Scorer, open_scorer
from app.ui.certificate_page import certificate_page
from bgad_core.standing import lowest_at, stands
from storage.blobs import path_of
from storage.models import Image, Score, Standing
from tests.app.conftest import ADMIN, ENGINEER, part, settings_in

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow  # a bundle takes many seconds to export


@pytest.fixture(scope="session")
def unpacked_once(bundle_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked") / "tile"
    with zipfile.ZipFile(bundle_path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def unpacked(unpacked_once, tmp_path):
    """The bundle as a folder of the test's own."""
    return Path(shutil.copytree(unpacked_once, tmp_path / "tile"))


@pytest.fixture
def elsewhere(tmp_path):
    """Another installation, with nothing in it."""
    opened = open_context(settings_in(tmp_path / "elsewhere"))
    yield opened
    opened.database.dispose()


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_both_runtimes_score_every_image_of_the_project_as_the_tool_did(bundle_path, trained, engine):
    scorer = open_scorer(bundle_path, engine=engine, threads=1)
    with trained.database.read() as session:
        rows = list(session.execute(select(Image, Score).join(Score, Score.image_id == Image.id)))
    assert len(rows) == 22 and scorer.tested >= 10
    for image, score in rows:
        scored = scorer.score(read_pixels(trained.blobs.get(image.pixels)))
        assert abs(scored.score - score.score) < TOLERANCE
        assert scored.standing == score.standing.value


def test_a_bundle_holds_what_a_quality_file_wants(bundle_path):
    with zipfile.ZipFile(bundle_path) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read(MANIFEST))
        tested = json.loads(archive.read(SELF_TEST))["images"]
    graph = {"graph.onnx", "graph.xml", "graph.bin", "model.safetensors"}
    assert graph | {"certificate.html", "version.json", MANIFEST, DECISION, SELF_TEST} <= names
    assert set(manifest["files"]) == names - {MANIFEST, DECISION}
    assert manifest["preprocessing"]["size"] == 64 and manifest["preprocessing"]["in the graph"]["scale"] == 255
    assert len({row["score"] for row in tested}) > 5, "self-test images lie over the whole range"


def test_a_folder_is_as_good_as_a_file(unpacked, bundle_path):
    image = read_pixels(part(51, scratch=True))
    one, two = (open_scorer(path, engine="onnxruntime", threads=1).score(image) for path in (unpacked, bundle_path))
    assert one.score == two.score and one.regions == two.regions


def test_a_defects_region_lies_where_the_scratch_is(bundle_path):
    scored = open_scorer(bundle_path, engine="onnxruntime", threads=1).score(read_pixels(part(51, scratch=True)))
    assert scored.decision == "defect"
    left, top, width, height = scored.regions[0].box
    assert scored.regions[0].score == scored.score and 0 < scored.regions[0].area <= width * height
    assert left <= 31 <= left + width and top <= 28 <= top + height, "the scratch runs from (12, 12) to (50, 44)"


@pytest.mark.parametrize("name", ["graph.onnx", "graph.bin", "model.safetensors", SELF_TEST, "selftest/00.png"])
def test_one_changed_byte_is_found_and_named(unpacked, name):
    data = bytearray((unpacked / name).read_bytes())
    data[len(data) // 2] ^= 1
    (unpacked / name).write_bytes(bytes(data))
    with pytest.raises(Refused, match=f"{name} of the bundle tile is damaged"):
        open_bundle(unpacked)


def test_a_runtime_that_scores_otherwise_is_not_used(unpacked, bundle_path):
    bundle = open_bundle(unpacked)
    other = replace(bundle, scale=Scale(bundle.scale.median, bundle.scale.b_n * 1.01))
    with pytest.raises(Refused, match=r"tile v1 does not score here as it did in the tool: selftest/\d\d.png got"):
        Scorer(other, engine="onnxruntime", threads=1)


def test_the_decision_may_be_edited_and_says_so(unpacked):
    decision = json.loads((unpacked / DECISION).read_text())
    decision["operating_point"] = {"stop": 0.98, "reject": 0.99}
    (unpacked / DECISION).write_text(json.dumps(decision))
    scorer = open_scorer(unpacked, engine="onnxruntime", threads=1)
    scored = scorer.score(read_pixels(part(51, scratch=True)))
    assert scorer.bundle.edited and scored.standing == "defect"
    assert scored.decision == ("good" if scored.score <= 0.98 else "look" if scored.score <= 0.99 else "defect")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operating_point": {"stop": 0.9, "reject": 0.2}}, "0 <= stop 0.9 <= reject 0.2 < 1 does not hold"),
        ({"boundary": {"b_n": -3, "b_a": -2}}, "b_a -2 must be a number at or below b_n -3"),
        ({"boundary": {"b_n": float("nan"), "b_a": 0}}, "must be a number"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(unpacked, change, reason):
    decision = json.loads((unpacked / DECISION).read_text())
    (unpacked / DECISION).write_text(json.dumps({**decision, **change}))
    with pytest.raises(Refused, match=reason):
        open_bundle(unpacked)


def test_a_part_that_lies_on_its_line_in_the_tool_does_not_fall_off_it_by_a_last_bit():
    scale = Scale(median=0.0, b_n=-2.0)
    for rule, line in ((Rule(-2.0, -3.0), -2.0), (Rule(-2.0, -3.0, 0.75, 0.9), -6.0)):
        assert [rule.decide(line - by, scale) for by in (0.0, 1e-4, 2e-3)] == ["good", "good", "look"]


def test_a_rules_level_is_where_its_stop_lies():
    scale = Scale(median=0.0, b_n=-2.0)
    assert Rule(-2.0, -3.0, 0.5, 0.6).level(scale) == pytest.approx(-2.0)
    assert scale.score(Rule(-2.0, -3.0, 0.8, 0.9).level(scale)) == pytest.approx(0.8)
    assert Rule(-1.5, -3.0).level(scale) == -1.5


@pytest.mark.parametrize(("content", "reason"), [(b"", "neither a bundle's folder nor"), (None, "does not exist")])
def test_what_is_no_bundle_is_one_sentence(tmp_path, content, reason):
    path = tmp_path / "x.bgad"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match=reason):
        open_bundle(path)


def test_another_installation_takes_a_bundle_and_scores_the_same(bundle_path, elsewhere, trained):
    from app.worker.import_bundle import import_bundle
    from app.worker.score import load_version
    from bgad_core.scoring import score_images

    version = import_bundle(elsewhere, ENGINEER, bundle_path, name="Tile from ann")
    assert scoring_version(elsewhere, ENGINEER, "tile-from-ann").id == version.id, "a first version decides"
    assert {"import version", "promote"} <= {told.action for told in trail(elsewhere, ADMIN)}
    image = read_pixels(part(60, scratch=True))
    here = score_images(load_version(elsewhere, version), [image])[0]
    there = score_images(load_version(trained, scoring_version(trained, ENGINEER, "tile")), [image])[0]
    assert (here.score, here.standing) == (there.score, there.standing) and np.array_equal(here.fused, there.fused)
    with pytest.raises(Refused, match="in tile-from-ann already, as v1"):
        import_bundle(elsewhere, ENGINEER, bundle_path, name="Tile from ann")


def test_a_project_of_another_size_does_not_take_it(bundle_path, elsewhere):
    from app.services.projects import create_project
    from app.worker.import_bundle import import_bundle

    create_project(elsewhere, ENGINEER, name="big", built_in=True, size=128)
    with pytest.raises(Refused, match="the bundle's size is 64, that of project big is 128"):
        import_bundle(elsewhere, ENGINEER, bundle_path, name="big")


def edit(path, *changes):
    """Write values into a bundle's JSON file; each change is (dotted name, value)."""
    content = json.loads(path.read_text())
    for name, value in changes:
        *folders, last = name.split(".")
        place = content
        for folder in folders:
            place = place[folder]
        place[last] = value
    path.write_text(json.dumps(content))


SET = {
    "promise": "expected",
    "alpha": 0.5,
    "confidence": None,
    "stop": 0.4,
    "reject": 0.7,
    "evidence": {},
    "reason": "",
}


def boundary_moved(decision, by):
    return [(f"boundary.{name}", decision["boundary"][name] + by) for name in ("b_n", "b_a")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (lambda d: boundary_moved(d, -0.4), "boundary.b_n .* → .*, boundary.b_a .* → .*; taken over"),
        (lambda d: [("boundary.b_a", d["boundary"]["b_a"] - 1)], "boundary.b_a .* → .*; taken over"),
        (lambda d: [("operating_point", SET)], "operating_point.stop None → 0.4, .*; taken over.*NOT taken over"),
        (
            lambda d: [*boundary_moved(d, -0.4), ("operating_point", SET)],
            "operating_point.stop None → 0.4, operating_point.reject None → 0.7; taken.*boundary.b_n.*NOT taken over",
        ),
    ],
    ids=["boundary", "b_a alone", "a point", "both"],
)
def test_after_an_import_the_app_decides_as_the_edited_bundle_does(unpacked, elsewhere, changes, said):
    from app.worker.import_bundle import import_bundle

    edit(unpacked / DECISION, *changes(json.loads((unpacked / DECISION).read_text())))
    bundle, told = open_bundle(unpacked), []
    version = import_bundle(elsewhere, ENGINEER, unpacked, name="tile", tell=told.append)
    assert re.search(said, " ".join(told), flags=re.DOTALL), told
    with elsewhere.database.read() as session:
        rule = rule_of(session, version)
    kept = trail(elsewhere, OPERATOR, which=Filter(action="import version"), limit=1)[0].details["edited"]
    assert kept == told
    page = certificate_page(certificate(elsewhere, OPERATOR, "tile", version.number))
    assert "No rate of parts is stated: edited in the bundle: " in page
    lines = [lowest_at(score, bundle.scale.median, bundle.scale.b_n) for score in (rule.stop, rule.reject)]
    part_row = next(row for row in version.boundaries if row["level"] == "part")
    for lowest in np.linspace(bundle.scale.median + 1, part_row["b_a"] - 5, 997):
        if min(abs(lowest - line) for line in lines) < 0.01:  # on a line the last bits decide
            continue
        standing = stands(lowest, b_n=part_row["b_n"], b_a=part_row["b_a"])
        here = rule.judge(bundle.scale.score(lowest), Standing[standing])
        assert here == bundle.rule.decide(lowest, bundle.scale), f"at {lowest}"


def test_an_unedited_bundle_is_taken_without_a_word_on_edits(unpacked, elsewhere):
    from app.worker.import_bundle import import_bundle

    told = []
    import_bundle(elsewhere, ENGINEER, unpacked, name="tile", tell=told.append)
    edit(unpacked / DECISION, ("operating_point", SET))
    assert told == []
    with pytest.raises(Refused, match=r"in tile already, as v1, and its edited decision.json was not taken over: set"):
        import_bundle(elsewhere, ENGINEER, unpacked, name="tile")


def test_an_edited_boundary_that_no_operating_point_is_is_refused(unpacked, elsewhere):
    from app.worker.import_bundle import import_bundle

    median = json.loads((unpacked / MANIFEST).read_text())["scale"]["median"]
    edit(unpacked / DECISION, ("boundary.b_n", median + 1))
    with pytest.raises(Refused, match="b_n has to lie at or below what normal places are"):
        import_bundle(elsewhere, ENGINEER, unpacked, name="tile")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preprocessing.size", 128),
        ("preprocessing.in the graph.scale", 1),
        ("config.seed", 99),
        ("scale.median", 0.0),
        ("backbone_sha256", "0" * 64),
        ("decision.boundary.b_a", -1000.0),
        ("decision.operating_point", SET),
        ("boundaries", []),
    ],
)
def test_a_manifest_that_says_other_things_than_the_weights_is_refused_by_name(unpacked, elsewhere, name, value):
    from app.worker.import_bundle import import_bundle

    edit(unpacked / MANIFEST, (name, value))
    if name.startswith("decision."):
        edit(unpacked / DECISION, (name.removeprefix("decision."), value))
    with pytest.raises(Refused, match=f"does not say what its weights do: .*{name.split('.')[-1]}.* → .*Only decision"):
        import_bundle(elsewhere, ENGINEER, unpacked, name="tile")


def test_an_image_that_is_gone_is_named_and_the_self_test_has_the_others(trained, tmp_path):
    from app.worker import export
    from app.worker.score import load_version

    with trained.database.read() as session:
        gone = session.scalars(select(Image).order_by(Image.id)).first()
    (trained.settings.home / "objects" / path_of(gone.pixels)).unlink()
    version, told = scoring_version(trained, ENGINEER, "tile"), []
    model = load_version(trained, version)
    part_of = model.boundary("part")
    rule = Rule(part_of.b_n, part_of.b_a)
    rows = export._self_test(trained, tmp_path, model, version, rule, told.append)
    assert len(rows) >= 10 and len(told) == 1 and told[0].startswith(f"not in the self-test, {gone.name}: ")


def test_an_operating_point_goes_along(trained, bundle_path, monkeypatch):
    from app.worker import export

    set_operating_point(trained, ENGINEER, "tile", 1, promise="expected", alpha=0.5)
    version = scoring_version(trained, ENGINEER, "tile")
    with trained.database.read() as session:
        point = export.decisions.operating_point(session, version.id)
    from app.worker.score import load_version

    decision = export._decision(load_version(trained, version), point)
    assert decision["operating_point"]["stop"] == point.stop and decision["operating_point"]["alpha"] == 0.5


REFUSING = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "timm", "FrEIA", "torchvision", "sqlalchemy", "streamlit", "storage"}:
            raise ModuleNotFoundError(f"{name} is not installed here")
sys.meta_path.insert(0, Refuse())
"""


def test_a_bundle_is_scored_where_torch_and_the_database_are_not_installed(bundle_path, tmp_path):
    (tmp_path / "part.png").write_bytes(part(51, scratch=True))
    code = REFUSING + (
        "from pathlib import Path\n"
        "import app.serving.api, app.serving.__main__\n"
        "from app.serving.scorer import open_scorer\n"
        "from app.services.pictures import read_pixels\n"
        f"scorer = open_scorer(Path({str(bundle_path)!r}), engine='onnxruntime', threads=1)\n"
        f"print(scorer.score(read_pixels(Path({str(tmp_path / 'part.png')!r}).read_bytes())).decision)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "defect"), done.stderr


def test_a_map_is_a_picture_of_the_images_size_with_the_boundary_at_128(bundle_path):
    scorer = open_scorer(bundle_path, engine="onnxruntime", threads=1)
    image = read_pixels(part(51, scratch=True))
    scored = scorer.score(np.repeat(np.repeat(image, 2, axis=0), 2, axis=1))
    heat = np.asarray(Pillow.open(io.BytesIO(scorer.heat(scored))))
    assert heat.shape == (128, 128) and heat.max() == int(255 * scored.score) > 128 > heat.min()
