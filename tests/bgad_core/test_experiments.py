"""Experiments: the same seed the same figures, finished work is kept, and the summary is over seeds."""

from dataclasses import replace

import numpy as np
import pytest

from app.cli import METHODS, PROTOCOLS
from bgad_core import experiments
from bgad_core.config import VARIANTS
from bgad_core.data import sample_of
from bgad_core.datasets import Dataset
from bgad_core.evaluation import Evaluation
from bgad_core.experiments import METRICS, Experiment, run, table
from bgad_core.optimism import Optimism
from tests.bgad_core.conftest import scratched, texture, tiny_config, write_png


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    normals = [sample_of(write_png(folder / f"n{i}.png", texture(i))) for i in range(10)]
    held = [sample_of(write_png(folder / f"h{i}.png", texture(50 + i))) for i in range(4)]
    defects = []
    for i in range(8):
        image, mask = scratched(100 + i)
        path = write_png(folder / f"d{i}.png", image)
        defects.append(sample_of(path, abnormal=True, mask=mask, defect_type="long" if i % 2 else "short"))
    return Dataset("tiny", normals, held + defects)


def experiment(dataset, folder, **changes):
    made = Experiment(dataset, "multi-class", tiny_config(), seeds=(0, 1), folder=folder, known=3, device="cpu")
    return replace(made, **changes)


def without_times(result):
    runs = [{**row, "seconds": None} for row in result["runs"]]
    return {**result, "seconds": None, "runs": runs}


def test_the_same_seeds_give_the_same_figures_and_a_second_call_trains_nothing(dataset, tmp_path):
    told = []
    first = run(experiment(dataset, tmp_path / "a"), lambda name, step: told.append((name, step.phase)))
    assert ("seed 1, multi-class", "phase 2") in told
    told.clear()
    again = run(experiment(dataset, tmp_path / "a"), lambda name, step: told.append(name))
    assert again == first and told == []
    assert without_times(run(experiment(dataset, tmp_path / "b"))) == without_times(first)


def test_the_summary_is_mean_and_spread_over_seeds(dataset, tmp_path):
    result = run(experiment(dataset, tmp_path))
    for metric in METRICS:
        values = [row[metric] for row in result["runs"]]
        assert result[metric]["per_seed"] == values
        if None not in values:
            assert result[metric]["mean"] == pytest.approx(np.mean(values))
            assert result[metric]["std"] == pytest.approx(np.std(values, ddof=1))
    assert result["image_auroc"]["mean"] > 0.9  # scratches on grain are easy
    assert {"protocol", "method", "settings", "split_sha256", "seconds"} <= result.keys()
    assert "image_auroc" in table(result) and "2 seeds" in table(result)


def test_one_class_runs_once_for_each_known_type(dataset, tmp_path):
    result = run(experiment(dataset, tmp_path, protocol="one-class", seeds=(0,)))
    assert [row["split"] for row in result["runs"]] == ["one-class/long", "one-class/short"]
    assert result["image_auroc"]["std"] is None  # one seed has no spread
    assert result["image_auroc"]["mean"] == pytest.approx(np.mean([row["image_auroc"] for row in result["runs"]]))


def test_an_ablation_without_anomalies_trains_once_for_all_known_types(dataset, tmp_path):
    seen = []
    chosen = experiment(dataset, tmp_path, protocol="one-class", seeds=(0,), config=tiny_config(variant="nfad"))
    result = run(chosen, lambda name, step: seen.append((name, step.phase, step.done)))
    first, second = dict.fromkeys(name for name, _, _ in seen)
    assert len(result["runs"]) == 2
    assert (first, "phase 2", 1) in seen
    assert (second, "phase 2", 1) not in seen


def test_pixel_metrics_without_masks_are_none(dataset, tmp_path):
    bare = Dataset("bare", dataset.train, [replace(sample, mask=None) for sample in dataset.test])
    result = run(experiment(bare, tmp_path, seeds=(0,)))
    assert result["pro"]["mean"] is None and result["pixel_auroc"]["per_seed"] == [None]
    assert result["image_auroc"]["mean"] is not None and "–" in table(result)


def test_the_optimistic_number_stands_beside_the_honest_one_and_does_not_change_it(dataset, tmp_path):
    honest = run(experiment(dataset, tmp_path / "a", seeds=(0,)))
    both = run(experiment(dataset, tmp_path / "b", seeds=(0,), optimistic=True))
    row, claimed = without_times(both)["runs"][0], both["runs"][0]["optimistic"]
    assert {**row, "optimistic": None} == {**without_times(honest)["runs"][0], "optimistic": None}
    assert "optimistic" not in honest and "optimistic" not in table(honest)
    for metric in ("image_auroc", "pixel_auroc", "pro"):
        assert claimed[metric]["value"] >= row[metric] and 1 <= claimed[metric]["pass"] <= 2
        assert both["optimistic"][metric]["mean"] == claimed[metric]["value"]
    assert table(both).count("optimistic: the pass chosen on the test set; no result") == 3


def test_a_resumed_run_still_knows_the_passes_before(tmp_path):
    figures = iter([0.5, 0.9, 0.7])

    def measure(model):
        return Evaluation(next(figures), 0.5, None, 0.5, None, 1, 1)

    for done in (1, 2, 3):
        Optimism(tmp_path / "passes.json", measure)(None, done)
    best = Optimism(tmp_path / "passes.json", measure).best()
    assert best["image_auroc"] == {"value": 0.9, "pass": 2} and best["pixel_auroc"]["pass"] == 1 and best["pro"] is None


def test_the_command_line_offers_what_the_core_has():
    assert METHODS == VARIANTS and PROTOCOLS == experiments.PROTOCOLS
