"""Masks are exact; objects are whole, verified, and refused with a sentence when they are not."""

import contextlib
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from storage.blobs import Blobs, path_of
from storage.errors import BadMask, DamagedObject, NotFound, StorageError
from storage.masks import decode_mask, encode_mask
from tests.patience import wait_for


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


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_an_object_is_discarded_once_it_is_old_and_a_put_makes_it_young(kind, tmp_path):
    blobs = Blobs(tmp_path.as_uri() if kind == "file" else f"memory://discard-{tmp_path.name}")
    key = blobs.put(b"pixels")
    (entry,) = [entry for entry in blobs.entries() if entry.path == path_of(key)]
    assert entry.size == 6 and blobs.sizes([key, "a" * 64]) == {key: 6}
    written = entry.modified
    assert not blobs.discard(entry.path, before=written) and blobs.get(key) == b"pixels"
    time.sleep(0.02)
    assert blobs.put(b"pixels") == key and blobs.renew(key) and not blobs.renew("a" * 64)
    assert not blobs.discard(entry.path, before=written + timedelta(milliseconds=5)) and blobs.exists(key)
    assert blobs.clock() > written
    assert blobs.discard(entry.path, before=blobs.clock() + timedelta(seconds=1)) and not blobs.exists(key)
    assert not blobs.discard(entry.path, before=blobs.clock() + timedelta(seconds=1))


def test_whoever_puts_while_objects_are_discarded_has_theirs(tmp_path):
    """Each put is confirmed while others discard the same old bytes: what was confirmed is there afterwards."""
    blobs, data = Blobs(tmp_path.as_uri()), [b"%d" % number * 100 for number in range(20)]
    keys = [blobs.put(each) for each in data]
    stop, old = threading.Event(), datetime.now(UTC) - timedelta(hours=1)

    def sweep():
        while not stop.is_set():
            for key in keys:
                blobs.discard(path_of(key), before=old)

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            for key, each in zip(keys, data, strict=True):
                with contextlib.suppress(FileNotFoundError):
                    os.utime(tmp_path / path_of(key), (0, 0))
                assert blobs.put(each) == key
                assert settled(tmp_path / path_of(key)) == each
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [blobs.get(key) for key in keys] == data and len(list(blobs.entries())) == 20


def settled(path):
    """The file's bytes; for a moment it may be aside while somebody looks at its age."""
    wait_for(path.exists, what=path.name, every=0.001)
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    return settled(path)
