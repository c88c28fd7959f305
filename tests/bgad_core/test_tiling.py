"""Tiles: one map without a seam, the same as without tiles where no edge is near, whatever the image's size."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bgad_core.data import read_image, sample_of
from bgad_core.datasets import Dataset
from bgad_core.experiments import Experiment
from bgad_core.experiments import run as evaluate_run
from bgad_core.feature_cache import FeatureCache, features_of
from bgad_core.features import as_batch
from bgad_core.known import known_anomalies
from bgad_core.model import BGAD
from bgad_core.scoring import score_files, score_tiled
from bgad_core.tiling import Layout, Seamless, cut, fitted, layout_of, shape_of
from bgad_core.training import key_one
from tests.bgad_core.conftest import SIZE, same_state, scratched, texture, tiny_config, write_png

TILED = replace(tiny_config(), tile=SIZE)
SIDES = st.integers(20, 700)


def full(layout, plane):
    """Cut a plane into tiles and put them together again."""
    whole = Seamless(layout, layout.size, 1)
    for number, tile in enumerate(cut(plane, layout)):
        whole.add(number, tile[None])
    return whole.maps[0]


@given(SIDES, SIDES, st.sampled_from([32, 64, 100]), st.sampled_from([0.0, 0.25, 0.5]))
def test_weights_sum_to_one_so_a_constant_stays_constant_and_every_pixel_is_in_a_tile(height, width, tile, overlap):
    layout = layout_of((height, width), replace(TILED, tile=tile), 8, overlap=overlap)
    assert min(layout.height, layout.width) >= SIZE and layout.height % 8 == layout.width % 8 == 0
    assert all(place % 8 == 0 for place in (*layout.tops, *layout.lefts))
    one = full(layout, np.ones((layout.height, layout.width), dtype=np.float32))
    np.testing.assert_allclose(one, 1.0, atol=1e-6)


@given(SIDES, SIDES)
def test_cutting_and_joining_gives_the_image_back(height, width):
    layout = layout_of((height, width), TILED, 8)
    plane = np.random.default_rng(0).normal(size=(layout.height, layout.width)).astype(np.float32)
    np.testing.assert_allclose(full(layout, plane), plane, atol=1e-5)


def test_neighbours_hand_over_gradually():
    """Tile 1 says 0 and tile 2 says 1: no step between two cells is larger than the overlap allows."""
    layout = Layout(64, 112, 64, (0,), (0, 48))
    whole = Seamless(layout, 64, 1)
    whole.add(1, np.ones((1, 64, 64), dtype=np.float32))
    row = whole.maps[0, 5]
    assert (row[:48] == 0).all() and (row[64:] == 1).all() and np.diff(row).max() <= 1 / 16 + 1e-6


def test_the_whole_image_is_one_tile_when_nobody_asks_for_tiles():
    layout = layout_of((300, 700), tiny_config(), 8)
    assert layout.places == [(0, 0)] and (layout.height, layout.width) == (SIZE, SIZE)
    image = np.random.default_rng(0).integers(0, 255, (300, 700, 3), dtype=np.uint8)
    assert fitted(image, layout).shape == (SIZE, SIZE, 3)  # squeezed: a square whatever its sides


def test_a_tile_shows_its_share_of_the_image_and_a_small_image_is_enlarged():
    layout = layout_of((512, 1024), replace(TILED, tile=128), 8)
    assert (layout.height, layout.width) == (256, 512)  # 128 pixels of the image in 64 of the input
    assert (layout_of((40, 30), TILED, 8).height, layout_of((40, 30), TILED, 8).width) == (SIZE, SIZE)
    with pytest.raises(ValueError, match="size 60 is no multiple of 8"):
        layout_of((512, 512), replace(TILED, size=60), 8)
    with pytest.raises(ValueError, match="a tile of 3 pixels"):
        replace(TILED, tile=3)


def big(seed, size=192):
    """A part of 192 x 192 without an object on a ground, so that nothing but the texture speaks."""
    rng = np.random.default_rng(seed)
    return np.clip(120 + rng.normal(0, 20, (size, size, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    goods = [sample_of(write_png(folder / f"good{seed}.png", big(seed))) for seed in range(5)]
    image, mask = big(9), np.zeros((192, 192), dtype=np.uint8)
    cv2.line(mask, (20, 150), (60, 170), 1, 4)
    image[mask > 0] = (250, 240, 60)
    path = write_png(folder / "scratch.png", image)
    return goods, sample_of(path, abnormal=True, mask=mask > 0, defect_type="scratch")


@pytest.fixture(scope="module")
def tiled(large, tmp_path_factory):
    """A tiled model through both phases; tests must not change it."""
    from tests.bgad_core.conftest import Parts, Run

    goods, defect = large
    return Run(Parts(goods[:3], goods[3:], [defect]), tmp_path_factory.mktemp("tiled"), [])(TILED)


def test_a_tiled_model_finds_a_small_scratch_on_a_large_part(tiled, large):
    goods, defect = large
    results = list(score_files(tiled, [*(sample.path for sample in goods), defect.path]))
    assert all(result.fused.shape == (48, 48) and result.levels.shape == (2, 48, 48) for result in results)
    assert results[-1].score > max(result.score for result in results[:-1])
    row, column = np.unravel_index(results[-1].fused.argmin(), (48, 48))
    assert defect.mask[4 * row - 8 : 4 * row + 12, 4 * column - 8 : 4 * column + 12].any()


def test_tiles_see_what_the_whole_image_would_show_where_no_edge_is_near(tiled):
    """One input of 192 pixels against tiles of 128: equal where every tile that speaks sees all that a cell looks at.

    The same flows read both; position is constant, so only the edges' padding can differ.
    """
    config = replace(TILED, size=128, tile=128)
    small, whole = (BGAD(replace(config, size=size), tiled.extractor) for size in (128, 192))
    for model in (small, whole):
        model.flows.load_state_dict(tiled.flows.state_dict())
        model.boundaries = tiled.boundaries
        for level in range(2):
            getattr(model, f"mean{level}").copy_(getattr(tiled, f"mean{level}"))
            getattr(model, f"whitening{level}").copy_(getattr(tiled, f"whitening{level}"))
    image = big(21)
    with torch.inference_mode():
        untiled = whole.fused(whole.log_likelihoods(as_batch([image])))[0].numpy()
    fused = score_tiled(small, image).fused.astype(np.float32)
    assert layout_of((192, 192), config, 8).lefts == (0, 64)
    difference = np.abs(fused - untiled) / untiled.std()
    reach = 8  # cells of 4 pixels that the finer map's cell is swayed by, twice over
    inner = np.r_[0 : 16 - reach + 1, 32 + reach : 48]  # seen by one tile only, away from its inner edge
    assert difference[np.ix_(inner, inner)].max() < 0.02  # float16 of the result
    assert difference.max() < 1.0 and difference.mean() < 0.1  # and between them tiles agree but for their padding


def test_a_score_does_not_depend_on_how_many_tiles_pass_together(tiled, large):
    image = read_image(large[1].path)
    one, many = score_tiled(tiled, image, batch_size=1), score_tiled(tiled, image, batch_size=64)
    assert one.score == pytest.approx(many.score, abs=1e-5) and one.standing == many.standing


def test_parts_of_other_sizes_and_shapes_are_scored(tiled, tmp_path):
    for size, cells in (((100, 300), (24, 76)), ((33, 20), (16, 16)), ((64, 64), (16, 16))):
        image = np.resize(big(3), (*size, 3)).astype(np.uint8)
        result = next(score_files(tiled, [write_png(tmp_path / f"{size}.png", image)]))
        assert result.fused.shape == cells and np.isfinite(result.fused).all() and 0 <= result.score < 1


def test_a_tiled_training_is_reproducible_and_its_model_comes_back(tiled, large, tmp_path):
    from tests.bgad_core.conftest import Parts, Run

    goods, defect = large
    assert same_state(tiled, Run(Parts(goods[:3], goods[3:], [defect]), tmp_path, [])(TILED))
    tiled.save(tmp_path / "model.safetensors")
    back = BGAD.load(tmp_path / "model.safetensors", device="cpu")
    assert back.config.tile == SIZE and same_state(tiled, back)
    assert next(score_files(back, [defect.path])).score == next(score_files(tiled, [defect.path])).score


def test_of_a_known_defect_only_the_tiles_that_show_it_train(tiled, large):
    goods, defect = large
    without_paste = replace(TILED, training=replace(TILED.training, pastes=0))
    model = BGAD(without_paste, tiled.extractor)
    found = known_anomalies(model, goods[:3], [defect])
    layout = layout_of((192, 192), TILED, 8, overlap=0.0)
    showing = [tile.any() for tile in cut(defect.mask, layout)]
    assert len(found.features) == found.known == sum(showing) < len(showing)
    anywhere = known_anomalies(tiled, goods[:3], [replace(defect, mask=None)])
    picked = sum((masks[0] == 1).sum() for masks in anywhere.masks)
    assert picked == round(0.01 * 9 * 256)  # of the whole image's cells, not of each tile's


def test_every_tile_of_a_normal_has_its_own_features_and_is_cached(tiled, large, tmp_path):
    goods, _ = large
    cache = FeatureCache(tmp_path)
    features = features_of(tiled.extractor, goods[:2], TILED, cache, overlap=0.0)
    assert len(features) == 18 and len({features.level(i, 0).tobytes() for i in range(18)}) == 18
    again = features_of(tiled.extractor, goods[:2], TILED, cache, overlap=0.0)
    assert all(np.array_equal(a, b) for a, b in zip(features.vectors, again.vectors, strict=True))


def test_tiles_are_another_model_and_none_is_the_same_as_before(tiled, large):
    goods, _ = large
    assert "tile" not in tiny_config().to_dict() and TILED.to_dict()["tile"] == SIZE
    untiled = BGAD(tiny_config(), tiled.extractor)
    assert key_one(untiled, goods) != key_one(tiled, goods)
    assert not tiled.grid0.any() and untiled.grid0.any()


def test_tiled_figures_are_measured_at_the_images_own_resolution(large, tmp_path):
    goods, defect = large
    more = [defect, *(defect_at(tmp_path, seed) for seed in range(3))]
    dataset = Dataset("tiled", goods[:4], [goods[4], *more])
    made = Experiment(dataset, "multi-class", TILED, seeds=(0,), folder=tmp_path / "work", known=1, device="cpu")
    result = evaluate_run(made)
    assert result["settings"]["tile"] == SIZE and result["image_auroc"]["mean"] == 1.0
    assert result["pixel_auroc"]["mean"] > 0.9


def defect_at(folder, seed):
    image, mask = big(40 + seed), np.zeros((192, 192), dtype=np.uint8)
    cv2.line(mask, (30 + 30 * seed, 40), (60 + 30 * seed, 60), 1, 4)
    image[mask > 0] = (250, 240, 60)
    return sample_of(
        write_png(folder / f"scratch{seed}.png", image), abnormal=True, mask=mask > 0, defect_type="scratch"
    )


def test_the_size_in_a_header_is_that_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(texture(0)[:40]).save(tmp_path / "turned.jpg", exif=exif)
    assert shape_of(tmp_path / "turned.jpg") == read_image(tmp_path / "turned.jpg").shape[:2] == (64, 40)


@pytest.mark.parametrize("size", [48, 96, 100])
def test_inputs_of_other_sizes_train_and_score(size, run, parts):
    """100 is no multiple of the coarsest stride: the backbone's last cells reach over the edge."""
    model = run(replace(tiny_config(), size=size))
    result = next(score_files(model, [parts.anomalies[0].path]))
    assert result.fused.shape == (-(-size // 4), -(-size // 4)) and 0 <= result.score < 1


def test_a_part_that_is_not_square_is_squeezed_and_still_scored(trained, tmp_path):
    image, _ = scratched(100)
    wide = write_png(tmp_path / "wide.png", cv2.resize(image, (200, 80)))
    good = write_png(tmp_path / "good.png", cv2.resize(texture(3), (200, 80)))
    scores = [result.score for result in score_files(trained, [wide, good])]
    assert scores[0] > scores[1]
