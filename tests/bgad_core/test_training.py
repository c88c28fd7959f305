"""Both phases on tiny parts: reproducible, resumable, reused, and BG-SPP does what it is for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bgad_core.data import sample_of
from bgad_core.errors import Cancelled, DatasetError
from bgad_core.known import known_anomalies
from bgad_core.training import key_one, whitening_of
from tests.bgad_core.conftest import same_state, scratched, state_of, texture, tiny_config, with_training, write_png


def test_the_same_seed_and_parts_give_the_same_bits(run, trained):
    again = run(tiny_config())
    assert same_state(trained, again)
    assert not same_state(trained, run(replace(tiny_config(), seed=1), run="other"))


@pytest.mark.parametrize("stop_at", [2, 5, 9, 14])
def test_a_run_that_was_stopped_anywhere_ends_like_one_that_was_not(run, trained, stop_at):
    asked = iter(range(10_000))
    with pytest.raises(Cancelled):
        run(tiny_config(), should_stop=lambda: next(asked) >= stop_at)
    assert same_state(trained, run(tiny_config()))


def test_phase_one_is_reused_while_the_normals_stand(run, parts):
    run(tiny_config(), anomalies=[])
    assert run.passes("phase 1") and not run.passes("phase 2")
    run(tiny_config(), run="next")
    assert not run.passes("phase 1") and run.passes("phase 2")
    run(tiny_config(), run="fewer", normals=parts.normals[:-1])
    assert run.passes("phase 1")


def test_reused_phase_one_ends_where_a_fresh_one_does(run, trained):
    run(tiny_config(), anomalies=[])
    assert same_state(trained, run(tiny_config(), run="next"))


def test_a_phase_one_of_other_settings_is_not_reused(trained, parts):
    key = key_one(trained, parts.normals)
    before = trained.config
    try:
        for config in (
            replace(before, seed=5),
            replace(before, smoothing=1),
            with_training(before, epochs_one=4),
            with_training(before, rate=1e-4),
            replace(before, flow=replace(before.flow, blocks=3)),
        ):
            trained.config = config
            assert key_one(trained, parts.normals) != key
        trained.config = with_training(before, epochs_two=99, pastes=5)  # phase 2's own
        assert key_one(trained, list(reversed(parts.normals))) == key
    finally:
        trained.config = before


def faint(folder, seed):
    """A scratch that day one takes for normal: a little brighter than the grain around it."""
    image, mask = texture(seed), scratched(seed)[1]
    image[mask] = np.clip(image[mask].astype(int) + 12, 0, 255)
    return sample_of(write_png(folder / f"faint{seed}.png", image), abnormal=True, mask=mask, defect_type="faint")


def test_phase_two_tells_the_known_defects_from_the_normals(run, parts, tmp_path):
    known = [faint(tmp_path, seed) for seed in (200, 201, 202)]
    day_one = run(tiny_config(), anomalies=[])
    later = run(with_training(tiny_config(), epochs_two=10), run="later", anomalies=known)

    def gap(model):
        """How far the marked cells lie below the normals' median, in spreads of the normals."""
        found, gaps = known_anomalies(model, parts.normals, known), []
        for level in range(len(model.shapes)):
            boundary = model.boundary(str(level + 1))
            for index in range(len(known)):
                rows = torch.from_numpy(found.features.level(index, level)[None].copy())
                marked = model.level_maps(level, rows).numpy().ravel()[found.masks[index][level] == 1]
                gaps.append((boundary.median - marked.mean()) / boundary.spread)
        return np.mean(gaps)

    assert gap(later) > 1.2 * gap(day_one)


@pytest.mark.parametrize("variant", ["nfad", "bgad-without", "bgad-full-push"])
def test_each_ablation_trains_and_differs(run, trained, variant):
    other = run(replace(tiny_config(), variant=variant), run=variant)
    assert not same_state(trained, other)
    assert all(np.isfinite(value).all() for value in state_of(other).values())


def test_progress_tells_phase_pass_loss_and_time(run):
    run(tiny_config())
    phases = list(dict.fromkeys(step.phase for step in run.reported))
    assert phases == ["features", "phase 1", "phase 2", "calibration"]
    assert all(np.isfinite(step.loss) for step in run.passes("phase 1"))
    last = run.passes("phase 1")[-1]
    assert last.total == 3 and last.seconds_left == pytest.approx(0, abs=1e-6)


def test_a_training_without_normals_is_refused_with_the_numbers(run):
    with pytest.raises(DatasetError, match="0 normal parts to learn from and 3 to calibrate"):
        run(tiny_config(), normals=[])


@pytest.mark.parametrize("full", [True, False])
def test_whitened_features_have_deviation_one_and_no_correlation_if_asked_for(full):
    rng = np.random.default_rng(5)
    mixed = rng.normal(size=(5000, 6)) @ rng.normal(size=(6, 6)) * [1, 2, 5, 10, 20, 50]
    covariance = np.cov(mixed.T)
    matrix = whitening_of(covariance, 1_000_000, full=full)
    after = matrix.T @ covariance @ matrix
    assert np.allclose(matrix, matrix.T)
    if full:
        values = np.linalg.eigvalsh(covariance)
        large = values > 0.1 * values.mean()  # what lies under the floor stays small
        assert np.allclose(np.linalg.eigvalsh(after)[large], 1, atol=0.02)
    else:
        assert np.allclose(np.diag(after)[np.diag(covariance) > 0.1 * np.diag(covariance).mean()], 1, atol=0.02)


def test_a_channel_that_never_moves_is_not_blown_up():
    matrix = whitening_of(np.diag([4.0, 0.0]), 1_000_000, full=True)
    assert matrix[0, 0] == pytest.approx(0.5, rel=1e-3)
    assert matrix[1, 1] < 40


def test_few_vectors_whiten_less_than_many():
    seen = np.random.default_rng(0).normal(size=(40, 64)) * np.linspace(0.5, 2.0, 64)
    covariance = np.cov(seen, rowvar=False)  # of rank 39: many directions were never seen to move
    few, many = (np.abs(np.linalg.eigvalsh(whitening_of(covariance, n, full=True))).max() for n in (40, 1_000_000))
    assert few < 3 / np.sqrt(np.trace(covariance) / 64) < many


def test_each_pass_ends_with_where_held_out_normals_and_known_defects_stand(run):
    run(tiny_config())
    one, two = ([s for s in run.reported if s.live and s.phase == phase] for phase in ("phase 1", "phase 2"))
    assert [s.done for s in one] == [1, 2, 3] and [s.done for s in two] == [1, 2]
    for step in (*one, *two):
        assert [level.level for level in step.live] == ["1", "2"]
        for level in step.live:
            assert level.low < level.b_a < level.b_n < level.high and sum(level.normal) > 0
            assert (sum(level.known) > 0) == (step.phase == "phase 2")
    first, last = one[0].live[0], one[-1].live[0]
    assert last.b_n > first.b_n  # the normals' likelihood rises, and their boundary with it
