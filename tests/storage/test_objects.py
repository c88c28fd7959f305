"""Masks are exact; objects are whole, verified, and refused with a sentence when they are not."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from storage.blobs import Blobs
from storage.errors import BadMask, DamagedObject, NotFound, StorageError
from storage.masks import decode_mask, encode_mask


@given(hnp.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_a_mask_comes_back_pixel_for_pixel(mask):
    assert np.array_equal(decode_mask(encode_mask(mask)), mask)


def test_a_mask_of_another_size_is_refused_with_both_sizes():
    with pytest.raises(BadMask, match="mask is 8x8 but its image is 64x48: draw it on the full-size image"):
        decode_mask(encode_mask(np.zeros((8, 8), dtype=bool)), size=(64, 48))


@pytest.mark.parametrize("data", [b"", b"GIF89a", encode_mask(np.ones((9, 9), dtype=bool))[:45]])
def test_what_is_no_whole_png_is_refused(data):
    with pytest.raises(BadMask):
        decode_mask(data)


def test_a_huge_mask_is_refused_before_it_is_decoded():
    with pytest.raises(BadMask, match="more than 100 pixels"):
        decode_mask(encode_mask(np.zeros((20, 20), dtype=bool)), max_pixels=100)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_an_object_comes_back_and_is_kept_once(kind, tmp_path):
    blobs = Blobs(tmp_path.as_uri() if kind == "file" else f"memory://{tmp_path.name}")
    key = blobs.put(b"pixels")
    assert blobs.put(b"pixels") == key and blobs.get(key) == b"pixels" and blobs.exists(key)
    assert blobs.local_path(key, tmp_path / "cache").read_bytes() == b"pixels"


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_result_is_created_once_and_sealed(kind, tmp_path):
    blobs = Blobs(tmp_path.as_uri() if kind == "file" else f"memory://{tmp_path.name}")
    name = f"shards/{'a' * 64}"
    with pytest.raises(NotFound):
        blobs.read(name)
    assert blobs.create(name, b"first") and not blobs.create(name, b"second")
    assert blobs.read(name) == b"first"
    assert list(blobs.all_keys()) == []
    with pytest.raises(NotFound, match="no result's name"):
        blobs.create("shards/../../etc/passwd", b"")


def test_a_damaged_object_is_not_handed_out(blobs, tmp_path):
    key = blobs.put(b"pixels")
    blobs.local_path(key, tmp_path).write_bytes(b"pixelz")
    with pytest.raises(DamagedObject, match=key):
        blobs.get(key)


def test_a_missing_object_is_named(blobs):
    with pytest.raises(NotFound, match="is gone"):
        blobs.get("a" * 64)


@pytest.mark.parametrize("key", ["../../etc/passwd", "A" * 64, ""])
def test_a_key_is_never_a_path(blobs, key):
    with pytest.raises(NotFound, match="no object key"):
        blobs.get(key)


def test_a_full_disk_leaves_nothing_half_written(blobs, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        blobs.put(b"x" * 1000)
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert blobs.get(blobs.put(b"x" * 1000)) == b"x" * 1000
