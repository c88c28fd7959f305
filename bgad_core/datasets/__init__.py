"""Readers of published data sets, in the layouts that they are published in."""

from bgad_core.datasets.dataset import Dataset
from bgad_core.datasets.reading import LAYOUTS, layout_of, read_dataset

__all__ = ["LAYOUTS", "Dataset", "layout_of", "read_dataset"]
