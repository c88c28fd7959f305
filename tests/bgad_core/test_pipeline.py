"""Scoring as a pipeline: the cache scores as files do, full memory is asked for less, errors keep their place."""

import threading

import pytest
import torch

from bgad_core.errors import BadImageError, Cancelled, DeviceError
from bgad_core.feature_cache import FeatureCache
from bgad_core.features import FeatureExtractor
from bgad_core.pipeline import ahead
from bgad_core.portions import Portions
from bgad_core.scoring import Kept, score_files

CPU = torch.device("cpu")


@pytest.fixture
def files(parts):
    return [*parts.calibration, *parts.anomalies, *parts.normals]


def kept(files, folder, **changes):
    return Kept(FeatureCache(folder), [sample.sha256 for sample in files], **changes)


def scores(model, files, **changes):
    return [(found.lowest, found.standing) for found in score_files(model, [s.path for s in files], **changes)]


def test_cached_features_score_as_files_do(trained, files, tmp_path):
    from_files = scores(trained, files)
    some = kept(files[:4], tmp_path)
    assert scores(trained, files[:4], kept=some) == from_files[:4]
    assert scores(trained, files, kept=kept(files, tmp_path), batch_size=3) == from_files  # some cached, some not
    for sample in files:
        assert scores(trained, [sample], kept=kept([sample], tmp_path)) == [from_files[files.index(sample)]]


def test_a_rescoring_reads_no_file_and_no_backbone(trained, files, tmp_path, monkeypatch):
    first = scores(trained, files, kept=kept(files, tmp_path))

    def refused(self, images):
        raise AssertionError("the backbone ran")

    monkeypatch.setattr(FeatureExtractor, "forward", refused)
    nowhere = [tmp_path / f"{number}.png" for number in range(len(files))]
    again = score_files(trained, nowhere, kept=kept(files, tmp_path))
    assert [(found.lowest, found.standing) for found in again] == first


def test_a_cache_that_is_only_read_does_not_grow(trained, files, tmp_path):
    scores(trained, files, kept=kept(files, tmp_path, adds=False))
    assert not list(tmp_path.rglob("*.f16"))


def test_what_came_before_a_broken_file_is_given_first(trained, files, tmp_path):
    paths = [*(sample.path for sample in files[:4]), tmp_path / "gone.png", files[0].path]
    results = score_files(trained, paths, batch_size=2)
    assert len([next(results) for _ in range(4)]) == 4
    with pytest.raises(BadImageError, match="does not exist"):
        next(results)


def test_a_cancelled_scoring_gives_what_it_has(trained, files):
    asked = iter([False, False, True])
    results = score_files(trained, [s.path for s in files], batch_size=2, should_stop=lambda: next(asked))
    assert len([next(results) for _ in range(4)]) == 4
    with pytest.raises(Cancelled, match="after 4 of"):
        next(results)


def test_the_next_is_worked_on_while_the_last_is_used():
    begun = threading.Event()

    def work(number):
        if number == 2:
            begun.set()
        return number * number

    results = ahead(work, iter([1, 2, 3]))
    assert next(results) == 1 and begun.wait(5)
    assert list(results) == [4, 9]


def test_full_memory_halves_the_portion_for_good():
    sizes = []

    def work(portion):
        sizes.append(len(portion))
        if len(portion) > 3:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            )
        return sum(portion)

    portions = Portions(8)
    assert sum(portions.each(work, list(range(10)), CPU)) == 45 and sizes == [8, 4, 2, 2, 2, 2, 2]
    assert portions.each(work, [1, 2, 3], CPU) == [3, 3]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_one_image_that_does_not_fit_is_a_clear_failure(error):
    def work(portion):
        raise error

    with pytest.raises(DeviceError, match="one image does not fit the memory of cpu"):
        Portions(4).each(work, [1, 2], CPU)


def test_another_error_is_no_reason_to_ask_for_less():
    def work(portion):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Portions(4).each(work, [1, 2], CPU)


def test_a_scoring_goes_on_in_smaller_batches_when_the_device_is_full(trained, files, monkeypatch):
    whole, forward = scores(trained, files), FeatureExtractor.forward

    def small(self, images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, images)

    monkeypatch.setattr(FeatureExtractor, "forward", small)
    assert scores(trained, files) == whole
