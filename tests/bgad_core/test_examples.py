"""The examples in the docstrings of the method give what stands there."""

import doctest
import importlib
import pkgutil

import pytest

import bgad_core

KERNELS = "bgad_core.coupling_cuda"  # Triton is there on Linux with a GPU's build of torch only
MODULES = [m.name for m in pkgutil.walk_packages(bgad_core.__path__, "bgad_core.") if m.name != KERNELS]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert {"bgad_core.boundary.fit_boundary", "bgad_core.losses.bg_spp_loss"} <= {test.name for test in examples}
