"""Features on disk: read when asked for, kept while they are needed, computed again when gone."""

import numpy as np

from bgad_core.feature_cache import FeatureCache, Stored, features_of
from bgad_core.features import FeatureExtractor
from tests.bgad_core.conftest import tiny_config


def vector(number: int) -> np.ndarray:
    return np.full(8, number, np.float16)


def made(folder, count=4, **bounds):
    cache, computed = FeatureCache(folder, **bounds), []

    def compute(place):
        computed.append(place)
        return vector(place)

    return Stored(cache, [f"{number:064x}" for number in range(count)], 8, compute), computed


def test_a_vector_is_read_from_disk_and_computed_only_when_it_is_gone(tmp_path):
    stored, computed = made(tmp_path)
    assert stored.missing() == [0, 1, 2, 3]
    for place in stored.missing():
        stored.keep(place, vector(place))
    assert [int(each[0]) for each in stored] == [0, 1, 2, 3] and computed == []
    next(tmp_path.rglob(f"{2:064x}.f16")).unlink()
    assert int(stored[2][0]) == 2 and computed == [2]
    assert int(stored[2][0]) == 2 and computed == [2] and stored.missing() == []


def test_what_is_needed_outlives_the_bound_and_the_rest_does_not(tmp_path):
    stored, _ = made(tmp_path, max_bytes=0)
    stored.cache.put("f" * 64, vector(9))
    for place in range(4):
        stored.keep(place, vector(place))
    stored.cache.evict()
    assert stored.missing() == [] and not stored.cache.holds("f" * 64, 8)


def test_a_disk_that_takes_nothing_costs_time_and_not_the_run(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    stored, computed = made(blocked)
    assert [int(each[0]) for each in stored] == [0, 1, 2, 3] and computed == [0, 1, 2, 3]
    assert [int(each[0]) for each in stored] == [0, 1, 2, 3] and computed == [0, 1, 2, 3]  # a few stay in memory


def test_features_of_images_hold_nothing_in_memory(parts, tmp_path):
    config = tiny_config()
    found = features_of(FeatureExtractor(config.backbone), parts.normals, config, FeatureCache(tmp_path))
    assert isinstance(found.vectors, Stored) and len(found) == len(parts.normals)
    first = found.level(0, 0).copy()
    for path in tmp_path.rglob("*.f16"):
        path.unlink()
    assert np.array_equal(found.level(0, 0), first)
