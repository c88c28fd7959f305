"""Gallery, Label, Home and Histograms speak of what decides: of b_n, or of the operating point where there is one."""

import pytest

from app.services.operating import set_operating_point
from app.services.score import ranked_queue
from tests.app.calibrated import decide_at
from tests.app.conftest import ENGINEER
from tests.app.ui.visitor import words

PAGES = ("gallery", "home", "label", "histograms", "operating")


def options(at, key):
    return at.selectbox(key=key).options


@pytest.fixture
def point(served):
    """An operating point that stops the two most abnormal parts."""
    values = [item.score for item in ranked_queue(served, ENGINEER, "tile", show="unlabelled").items]
    stop = (values[1] + values[2]) / 2
    decide_at(served, 1, stop=stop, reject=values[0])
    return stop


def test_every_page_names_the_operating_point_where_it_decides(visit, point):
    name = "operating point α = 5 % (90 % confidence)"
    said = {page: words(visit(page)) for page in PAGES}
    line = f"A score above {point:.3f} is stopped: {name}."
    assert all(line in said[page] for page in ("gallery", "label", "histograms"))
    assert "0 beyond the operating point · 2 near it" in said["home"] and f"by its {name}" in said["home"]
    assert "near the operating point" in said["label"] and "lie inside its operating point" in said["operating"]
    for page in ("gallery", "home", "label"):
        assert "the boundary" not in said[page], said[page]
    gallery, label = visit("gallery"), visit("label")
    assert "Nearest the operating point first" in options(gallery, "gallery-order")
    assert options(gallery, "gallery-stands")[0] == "beyond the operating point"
    assert "Near the operating point" in options(label, "label-ask")


def test_where_b_n_alone_decides_the_words_are_of_the_boundary(served, visit, point):
    set_operating_point(served, ENGINEER, "tile", 1, promise="boundary")
    said = {page: words(visit(page)) for page in PAGES}
    assert "A score above 0.50 lies beyond b_n." in said["gallery"]
    assert "beyond the boundary · " in said["home"] and "lie inside its boundary" in said["operating"]
    assert all("operating point" not in said[page].lower() for page in ("gallery", "home", "label", "histograms"))
    gallery, label = visit("gallery"), visit("label")
    assert "Nearest the boundary first" in options(gallery, "gallery-order")
    assert options(gallery, "gallery-stands")[0] == "beyond the boundary"
    assert "Near the boundary" in options(label, "label-ask")
