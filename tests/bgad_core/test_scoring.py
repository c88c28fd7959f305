"""Scores: the same alone or in company, the boundary where it is promised, and a model that comes back from disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from bgad_core.boundary import LevelBoundary
from bgad_core.config import BGADConfig, demo, paper, product
from bgad_core.data import read_image, read_mask, resized
from bgad_core.errors import BadImageError, CheckpointError, DeviceError, MaskSizeError, WeightsError
from bgad_core.features import FeatureExtractor, resolve_device
from bgad_core.model import BGAD
from bgad_core.scoring import anomaly_score, score_files, score_images, standing_of
from bgad_core.synthetic import make_parts
from tests.bgad_core.conftest import BACKBONE, SIZE, same_state, scratched, texture, tiny_config, write_png

PART = LevelBoundary("part", b_n=-2.0, b_a=-3.0, median=-1.0, spread=1.0)
FUSED = LevelBoundary("fused", b_n=-1.0, b_a=-1.5, median=0.0, spread=1.0)


def test_a_score_does_not_depend_on_batch_or_order(trained, parts):
    paths = [sample.path for sample in (*parts.calibration, *parts.anomalies)]
    alone = [next(score_files(trained, [path])) for path in paths]
    together = list(score_files(trained, paths, batch_size=5))
    reverse = list(score_files(trained, paths[::-1], batch_size=2))[::-1]
    for one, two, three in zip(alone, together, reverse, strict=True):
        assert (one.score, one.standing) == (two.score, two.standing) == (three.score, three.standing)
        np.testing.assert_allclose(one.fused, two.fused, atol=0.02)  # half precision's last bits
        np.testing.assert_allclose(one.levels, three.levels, atol=0.02)


def test_a_scratched_part_scores_above_every_normal_one(trained, parts):
    normal = [result.score for result in score_files(trained, [sample.path for sample in parts.calibration])]
    defects = list(score_files(trained, [sample.path for sample in parts.anomalies]))
    assert min(result.score for result in defects) > max(normal)
    for result, sample in zip(defects, parts.anomalies, strict=True):
        row, column = np.unravel_index(result.fused.argmin(), result.fused.shape)
        scale = SIZE // result.fused.shape[0]
        near = sample.mask[max(0, row * scale - 8) : row * scale + 12, max(0, column * scale - 8) : column * scale + 12]
        assert near.any()  # and it is the scratch that makes it so


@given(st.floats(-1e4, 10), st.floats(-1e4, 10))
def test_a_score_falls_as_the_likelihood_rises_and_is_one_half_at_b_n(first, second):
    low, high = min(first, second), max(first, second)
    assert 0 <= anomaly_score(high, FUSED, PART) <= anomaly_score(low, FUSED, PART) < 1
    assert anomaly_score(PART.b_n, FUSED, PART) == 0.5
    assert (standing_of(low, PART) == "normal") == (anomaly_score(low, FUSED, PART) <= 0.5)


def test_standings_are_closed_at_their_upper_end():
    assert [standing_of(value, PART) for value in (0.0, -2.0, -2.001, -3.0, -3.001)] == [
        "normal", "normal", "margin", "margin", "defect",
    ]  # fmt: skip


def test_maps_are_finite_even_where_a_part_is_absurd(trained):
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        result = score_images(trained, [image])[0]
        assert np.isfinite(result.fused).all() and np.isfinite(result.levels).all()
        assert result.fused.dtype == np.float16 and 0 <= result.score < 1


def test_a_saved_model_comes_back_to_the_bit(trained, tmp_path, parts):
    trained.save(tmp_path / "model.safetensors")
    back = BGAD.load(tmp_path / "model.safetensors", device="cpu")
    assert same_state(trained, back) and back.config == trained.config
    path = parts.anomalies[0].path
    assert next(score_files(back, [path])).score == next(score_files(trained, [path])).score


def test_a_checkpoint_that_does_not_fit_is_refused_with_a_sentence(trained, tmp_path):
    whole = tmp_path / "model.safetensors"
    trained.save(whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-1000])
    other = tmp_path / "other.safetensors"
    save_file(load_file(whole), other)
    for path, sentence in (
        (tmp_path / "none.safetensors", "does not exist"),
        (cut, "cannot be read"),
        (other, "not a BGAD model"),
    ):
        with pytest.raises(CheckpointError, match=sentence):
            BGAD.load(path, device="cpu")


def test_a_checkpoint_of_other_backbone_weights_is_refused(tmp_path):
    files = []
    for number in (0, 1):
        extractor = FeatureExtractor(BACKBONE)
        state = {name: value + 0.01 * number for name, value in extractor.network.state_dict().items()}
        files.append(tmp_path / f"weights{number}.safetensors")
        save_file({name: value.contiguous() for name, value in state.items()}, files[number])
    from_file = replace(BACKBONE, built_in=False, weights=str(files[0]))
    model = BGAD(replace(tiny_config(), backbone=from_file), FeatureExtractor(from_file))
    model.save(tmp_path / "model.safetensors")
    assert BGAD.load(tmp_path / "model.safetensors", device="cpu").config.backbone == from_file
    with pytest.raises(CheckpointError, match="other weights of test_resnet"):
        BGAD.load(tmp_path / "model.safetensors", device="cpu", weights=str(files[1]))


def test_weights_that_cannot_be_had_are_named(tmp_path):
    missing = replace(BACKBONE, built_in=False, weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(WeightsError, match="does not exist"):
        FeatureExtractor(missing)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        FeatureExtractor(replace(missing, weights=str(bad)))
    with pytest.raises(WeightsError, match="no model 'resnot'"):
        FeatureExtractor(replace(BACKBONE, name="resnot"))


def test_a_device_that_is_not_there_is_an_error_and_auto_always_works():
    assert resolve_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(DeviceError, match="'tpu' was asked for"):
        resolve_device("tpu")


@pytest.mark.parametrize("preset", [paper, product, demo])
def test_a_config_survives_json(preset):
    config = preset(BACKBONE)
    assert BGADConfig.from_dict(config.to_dict()) == config


def test_an_image_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(BadImageError, match=r"empty\.png is no image"):
        read_image(tmp_path / "empty.png")
    with pytest.raises(BadImageError, match="does not exist"):
        read_image(Path("nowhere.png"))
    cut = write_png(tmp_path / "cut.png", texture(0))
    cut.write_bytes(cut.read_bytes()[:400])
    with pytest.raises(BadImageError, match=r"cut\.png is damaged"):
        read_image(cut)


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path):
    image, mask = scratched(1)
    path = write_png(tmp_path / "good" / "1.png", image)
    small = write_png(tmp_path / "mask.png", mask[:32].astype(np.uint8) * 255)
    with pytest.raises(MaskSizeError, match=r"mask is 64x32 but good/1\.png is 64x64"):
        read_mask(small, image=path)


def test_shrinking_leaves_a_trace_of_a_thin_defect():
    image = np.zeros((512, 512, 3), dtype=np.uint8)
    image[:, 256] = 255
    assert resized(image, 64).max() >= 255 // 8 - 1


def test_synthetic_parts_are_the_same_for_the_same_seed(tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make_parts(tmp_path / name, normals=3, defects=3, seed=seed, size=64)
    files = {
        name: {p.relative_to(tmp_path / name).as_posix(): p.read_bytes() for p in (tmp_path / name).rglob("*.png")}
        for name in "abc"
    }
    assert files["a"] == files["b"] != files["c"] and files["a"].keys() == files["c"].keys()
    assert len([name for name in files["a"] if name.startswith("ground_truth")]) == 3
