"""The backbone in bfloat16: near float32, the same in any company, and a version's for good."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bgad_core.config import BackboneConfig, FlowConfig, in_precision, paper
from bgad_core.errors import CheckpointError
from bgad_core.feature_cache import key_of
from bgad_core.features import FeatureExtractor, fast_precision
from bgad_core.model import BGAD
from bgad_core.narrow import narrowed
from bgad_core.scoring import score_files
from tests.bgad_core.conftest import BACKBONE, SIZE, same_state, tiny_config

NARROW = replace(BACKBONE, precision="bfloat16")
IMAGES = torch.rand(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def narrow_run(parts, tmp_path_factory):
    from tests.bgad_core.conftest import Run

    run = Run(parts, tmp_path_factory.mktemp("narrow"), [])
    return run(in_precision(tiny_config(), "bfloat16"))


@pytest.mark.parametrize("name", ["test_resnet", "resnet18", "test_efficientnet", "test_vit"])
def test_folded_features_are_the_networks_own_within_bfloat16(name):
    config = BackboneConfig(name, built_in=True, out_indices=(1, 2))
    extractor = FeatureExtractor(config)
    if name == "test_vit":
        images = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    else:
        images = IMAGES
        extractor.calibrate([IMAGES])
    with torch.inference_mode():
        exact, near = extractor.network(images), narrowed(extractor.network)(images)
    for one, two in zip(exact, near, strict=True):
        assert two.dtype == torch.float32 and one.shape == two.shape
        assert (one - two).pow(2).mean().sqrt() < 0.03 * one.pow(2).mean().sqrt()


def test_bfloat16_features_do_not_depend_on_the_batch():
    extractor = FeatureExtractor(NARROW)
    with torch.inference_mode():
        together = extractor(IMAGES)
        for number in range(len(IMAGES)):
            alone = extractor(IMAGES[number : number + 1])
            assert all(torch.equal(one[0], many[number]) for one, many in zip(alone, together, strict=True))


def test_what_was_made_of_the_weights_follows_them():
    extractor = FeatureExtractor(NARROW)
    with torch.inference_mode():
        before = extractor(IMAGES)[0]
        extractor.calibrate([IMAGES])
        calibrated = extractor(IMAGES)[0]
        other = FeatureExtractor(NARROW)
        assert torch.equal(other(IMAGES)[0], before)
        other.load_state_dict(extractor.state_dict())
        assert torch.equal(other(IMAGES)[0], calibrated) and not torch.equal(calibrated, before)


def test_features_of_another_precision_are_other_features():
    wide, narrow = FeatureExtractor(BACKBONE), FeatureExtractor(NARROW)
    assert wide.digest() != narrow.digest()
    config = tiny_config()
    assert key_of("0" * 64, wide.digest(), config) != key_of("0" * 64, narrow.digest(), config)


def test_a_version_is_scored_in_the_precision_that_it_was_trained_in(narrow_run, parts, tmp_path):
    narrow_run.save(tmp_path / "model.safetensors")
    back = BGAD.load(tmp_path / "model.safetensors", device="cpu")
    assert back.config == narrow_run.config and same_state(narrow_run, back)
    assert (back.extractor.config.precision, back.flows[0].config.precision) == ("bfloat16", "bfloat16")
    path = parts.anomalies[0].path
    assert next(score_files(back, [path])).lowest == next(score_files(narrow_run, [path])).lowest


def test_a_bfloat16_score_does_not_depend_on_batch_or_order(narrow_run, parts):
    paths = [sample.path for sample in (*parts.calibration, *parts.anomalies)]
    alone = [next(score_files(narrow_run, [path])) for path in paths]
    together = list(score_files(narrow_run, paths, batch_size=5))
    reverse = list(score_files(narrow_run, paths[::-1], batch_size=2))[::-1]
    for one, two, three in zip(alone, together, reverse, strict=True):
        assert one.score == pytest.approx(two.score, abs=1e-5) and one.score == pytest.approx(three.score, abs=1e-5)
        assert one.standing == two.standing == three.standing


def test_bfloat16_still_tells_defects_from_normals(narrow_run, parts):
    normal = [result.score for result in score_files(narrow_run, [sample.path for sample in parts.calibration])]
    assert min(result.score for result in score_files(narrow_run, [s.path for s in parts.anomalies])) > max(normal)


def test_a_model_file_from_before_precisions_reads_as_float32(trained, tmp_path):
    values = trained.config.to_dict()
    del values["backbone"]["precision"]
    assert type(trained.config).from_dict(values) == trained.config
    assert paper(BACKBONE).backbone.precision == FlowConfig().precision == "float32"
    with pytest.raises(ValueError, match="precision 'half' is not known"):
        replace(BACKBONE, precision="half")


def test_weights_of_the_other_precision_are_refused(trained, tmp_path):
    from bgad_core import checkpoint

    trained.save(tmp_path / "model.safetensors")
    tensors, facts = checkpoint.read(tmp_path / "model.safetensors")
    facts["config"]["backbone"]["precision"] = "bfloat16"
    checkpoint.write(tmp_path / "turned.safetensors", tensors, facts)
    with pytest.raises(CheckpointError, match="other weights"):
        BGAD.load(tmp_path / "turned.safetensors", device="cpu")


def test_a_device_is_fast_in_a_precision_that_exists():
    assert fast_precision(torch.device("cpu")) in ("float32", "bfloat16")
    assert fast_precision(torch.device("meta")) == "float32"
    assert np.isfinite(FeatureExtractor(NARROW)(IMAGES)[0].numpy()).all()
