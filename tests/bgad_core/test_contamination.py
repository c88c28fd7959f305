"""Odd normals: what is unlike the others comes first, and what nobody cares about is never odd."""

import numpy as np
import pytest

from bgad_core.contamination import among, farthest, oddness
from bgad_core.data import Sample, sample_of
from bgad_core.errors import Cancelled, DatasetError
from bgad_core.feature_cache import FeatureCache
from tests.bgad_core.conftest import scratched, texture, tiny_config, write_png


@pytest.fixture(scope="module")
def contaminated(tmp_path_factory):
    """Twelve good parts and, at the end, three with a scratch that somebody took for good."""
    folder = tmp_path_factory.mktemp("contaminated")
    images = [texture(seed) for seed in range(12)] + [scratched(seed)[0] for seed in (100, 101, 102)]
    return [sample_of(write_png(folder / f"{number}.png", image)) for number, image in enumerate(images)]


@pytest.fixture
def look(tmp_path):
    def at(samples, **given):
        return oddness(tiny_config(), normals=samples, cache=FeatureCache(tmp_path), device="cpu", **given)

    return at


def test_defects_among_the_normals_come_first_and_the_unit_is_the_median_part(look, contaminated):
    told = []
    found = look(contaminated[:10], calibration=contaminated[10:], progress=lambda *step: told.append(step))
    assert set(np.argsort(-found)[:3]) == {12, 13, 14}
    assert np.median(found) == pytest.approx(1) and (found > 0).all()
    assert told[-1] == ("comparing", 15, 15) and ("features", 15, 15) in told


def test_the_same_images_are_ranked_the_same_twice(look, contaminated):
    assert look(contaminated).tobytes() == look(contaminated).tobytes()


def test_what_nobody_cares_about_makes_nothing_odd(look, contaminated):
    ignored = []
    for sample in contaminated[12:]:
        everywhere = np.ones((64, 64), dtype=bool)
        everywhere[:12] = False  # a scratch reaches no farther up
        ignored.append(Sample(sample.path, False, None, None, sample.sha256, ignore=everywhere))
    found = look([*contaminated[:12], *ignored])
    assert found[12:].max() < found[:12].max()


def test_a_distance_is_the_mean_to_the_five_nearest_of_the_others():
    others = among(np.arange(10, dtype=np.float32)[:, None])
    assert farthest(np.array([[0.0], [12.0]], dtype=np.float32), others) == pytest.approx((3 + 4 + 5 + 6 + 7) / 5)
    assert farthest(np.empty((0, 1), dtype=np.float32), others) == 0
    few = among(np.array([[0.0], [2.0]], dtype=np.float32))
    assert farthest(np.array([[1.0]], dtype=np.float32), few) == pytest.approx(1)


def test_one_part_has_no_others_and_a_cancel_is_heard(look, contaminated):
    with pytest.raises(DatasetError, match="1 normal parts"):
        look(contaminated[:1])
    with pytest.raises(Cancelled):
        look(contaminated, should_stop=lambda: True)
