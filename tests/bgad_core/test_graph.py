"""The graph that leaves computes what the model computes, before any runtime has seen it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bgad_core.config import FlowConfig, ScoringConfig
from bgad_core.errors import ExportError
from bgad_core.export import write_graph
from bgad_core.features import as_batch
from bgad_core.graph import ScoringGraph, rounded
from tests.bgad_core.conftest import scratched, texture, tiny_config

IMAGES = [texture(20), texture(21), scratched(200)[0]]


@pytest.mark.parametrize("fusion", ["standardised", "likelihood"])
def test_the_graph_gives_the_models_maps(run, fusion):
    model = run(tiny_config(scoring=ScoringConfig(fusion=fusion, blur=0.7)))
    with torch.inference_mode():
        fused, levels = ScoringGraph(model)(torch.from_numpy(np.stack(IMAGES)))
        expected = model.log_likelihoods(as_batch(IMAGES))
        assert torch.allclose(fused, model.fused(expected), rtol=1e-5, atol=1e-5)
    assert levels.shape == (3, 2, 16, 16)
    assert torch.allclose(levels[:, 0], expected[0], rtol=1e-5, atol=1e-5), "the finest level stays as it is"


def test_an_image_gets_the_same_map_in_any_batch(trained):
    graph = ScoringGraph(trained)
    with torch.inference_mode():
        together = graph(torch.from_numpy(np.stack(IMAGES)))[0]
        alone = graph(torch.from_numpy(IMAGES[2][None]))[0]
    assert torch.allclose(together[2], alone[0], rtol=1e-5, atol=1e-5)


@given(st.lists(st.floats(-60000, 60000, width=32), min_size=1, max_size=50))
def test_two_subtractions_round_as_half_precision_does(values):
    features = torch.tensor(values, dtype=torch.float32)
    apart = (rounded(features) - features.half().float()).abs()
    assert bool((apart <= torch.where(features.abs() < 6.2e-5, 3e-8, 0.0)).all())


def test_a_model_with_bfloat16_products_is_refused_with_the_reason(run, tmp_path):
    config = tiny_config(flow=FlowConfig(blocks=1, position_channels=8, hidden=1.0, precision="bfloat16"))
    with pytest.raises(ExportError, match="products are bfloat16"):
        write_graph(run(config), tmp_path)
