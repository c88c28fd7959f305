"""Objects in an S3 bucket, against a test double of an S3 server (tests/s3_double.py)."""

import os
import threading
from datetime import timedelta

import pytest

from storage.blobs import Blobs, path_of
from storage.errors import DamagedObject, NotFound, StorageError
from tests.s3_double import BUCKET, S3Double

NAME = f"shards/{'a' * 64}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    double = S3Double(tmp_path_factory.mktemp("s3"))
    yield double
    double.kill()


@pytest.fixture
def bucket(server, monkeypatch, request):
    """A prefix of its own per test, and the environment that leads there."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{request.node.name}"


def test_an_object_comes_back_and_is_kept_once(bucket, tmp_path):
    blobs = Blobs(bucket)
    key = blobs.put(b"pixels")
    assert blobs.put(b"pixels") == key and blobs.get(key) == b"pixels" and blobs.exists(key)
    blobs.create(NAME, b"rows")
    assert list(blobs.all_keys()) == [key] and not blobs.exists("b" * 64)
    assert blobs.local_path(key, tmp_path).read_bytes() == b"pixels"
    with pytest.raises(NotFound, match="is gone"):
        blobs.get("b" * 64)


def test_a_large_object_that_is_put_again_goes_in_one_request(bucket):
    blobs, large = Blobs(bucket), bytes(range(256)) * 2**16  # the double knows no uploads in parts
    key = blobs.put(large)
    assert blobs.put(large) == key and blobs.get(key) == large


def test_of_two_clients_that_create_one_name_together_one_is_first_and_both_read_the_same(bucket):
    clients, wrote, start = [Blobs(bucket) for _ in range(6)], [], threading.Barrier(6)

    def create(number):
        start.wait()
        if clients[number].create(NAME, b"%d" % number):
            wrote.append(b"%d" % number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrote) == 1 and {client.read(NAME) for client in clients} == set(wrote)


def test_an_object_is_discarded_once_it_is_old_and_a_put_makes_it_young(bucket, server):
    blobs = Blobs(bucket)
    key = blobs.put(b"pixels")
    (entry,) = [entry for entry in blobs.entries() if entry.path == path_of(key)]
    assert entry.size == 6 and blobs.sizes([key, "a" * 64]) == {key: 6}
    mine = bucket.rpartition("/")[2]
    (file,) = [path for path in server.folder.iterdir() if mine in path.name and path.name.endswith(key)]
    os.utime(file, (0, 0))
    before = blobs.clock() - timedelta(hours=1)
    assert blobs.put(b"pixels") == key and not blobs.discard(entry.path, before=before)
    os.utime(file, (0, 0))
    assert blobs.renew(key) and not blobs.discard(entry.path, before=before) and blobs.get(key) == b"pixels"
    os.utime(file, (0, 0))
    assert blobs.discard(entry.path, before=before) and not blobs.exists(key)


def test_two_clients_that_put_the_same_bytes_agree(bucket):
    one, two = Blobs(bucket), Blobs(bucket)
    assert one.put(b"map" * 1000) == two.put(b"map" * 1000)


def test_a_damaged_object_is_not_handed_out_and_a_cut_one_is_mended(bucket, server):
    blobs = Blobs(bucket)
    key = blobs.put(b"pixels")
    blobs.create(NAME, b"rows")
    for path in server.folder.iterdir():
        if path.name.endswith((key, NAME.rpartition("/")[2])) and bucket.rpartition("/")[2] in path.name:
            path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedObject, match=key):
        blobs.get(key)
    with pytest.raises(DamagedObject, match="made again"):
        blobs.read(NAME)
    assert blobs.get(blobs.put(b"pixels")) == b"pixels"
    assert blobs.create(NAME, b"rows", mend=True) and blobs.read(NAME) == b"rows"


def test_a_server_that_ignores_create_only_writes_is_refused_at_start(bucket, tmp_path, monkeypatch):
    careless = S3Double(tmp_path / "careless", "--ignore-conditions")
    monkeypatch.setenv("AWS_ENDPOINT_URL", careless.environment["AWS_ENDPOINT_URL"])
    try:
        with pytest.raises(StorageError, match="ignores create-only writes"):
            Blobs(bucket)
    finally:
        careless.kill()


def test_a_server_that_was_killed_has_what_it_confirmed(bucket, server):
    blobs = Blobs(bucket)
    key = blobs.put(b"confirmed")
    server.kill()
    server.start()
    assert blobs.get(key) == b"confirmed"
