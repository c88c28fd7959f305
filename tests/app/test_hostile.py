"""Hostile files: each is refused with one sentence or becomes plain pixels; nothing escapes, nothing grows."""

import io
import os
import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from app.services import sources
from app.services.errors import Refused
from app.services.guard import Guard, guard
from app.services.label_formats.reading import Packed
from app.services.label_formats.record import Remark
from app.services.pictures import BadPicture, Picture
from tests.app.hostile import HARMLESS, SEEDS, corpus, encoded, grain, mutated, png

MUTATIONS = 200_000 if os.environ.get("SOAK") else 2_000
GIB = 2**30
CORPUS = corpus()


def opened(path: Path) -> list[str]:
    """Open a file as the product does, by its suffix; the sentences of all that was refused."""
    told: list[str] = []
    try:
        if path.suffix == ".zip":
            with sources.opened(path) as entries:
                for entry in entries:
                    told += picture_of(entry.read)
        elif path.suffix in sources.SUFFIXES:
            told += picture_of(path.read_bytes)
        else:
            for facts, body in guard().labels(path, path.suffix[1:]):
                if isinstance(read := Packed(facts, body).opened(), Remark):
                    told.append(read.text)
    except Refused as refused:
        told.append(str(refused))
    return told


def picture_of(read) -> list[str]:
    try:
        kept = guard().picture(read())
    except BadPicture as bad:
        return [str(bad)]
    check(kept)
    return []


def check(kept: Picture) -> None:
    """Pixels alone: no script, no profile, no second file rides along."""
    assert not re.search(
        rb"<script|tEXt|zTXt|iCCP|eXIf|PK\x01\x02", kept.png[:200] + kept.png[-200:] + kept.thumb[:200]
    )
    assert max(Pillow.open(io.BytesIO(kept.thumb)).size) <= 256


def is_one_sentence(text: str) -> bool:
    return 10 < len(text) < 400 and "\n" not in text and "Traceback" not in text


def peak(pid: int | str = "self") -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def readers_peak() -> int:
    idle = list(guard()._idle.queue)
    return max([peak(reader._process.pid) for reader in idle if reader is not None and reader.alive()], default=0)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_a_hostile_file_is_refused_with_one_sentence_or_becomes_plain_pixels(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(CORPUS[name])
    told = opened(path)
    assert all(map(is_one_sentence, told)), told
    assert bool(told) == (name not in HARMLESS), told
    assert readers_peak() < GIB
    assert [found.name for found in tmp_path.rglob("*")] == [name]


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 40


@pytest.mark.slow
def test_mutations_never_break_out():
    rng, work = np.random.default_rng(20261125), Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp")
    names, before, refused = sorted(SEEDS), peak(), 0
    for number in range(MUTATIONS):
        name = names[number % len(names)]
        path = work / f"bgad-mutation-{os.getpid()}{Path(name).suffix}"
        path.write_bytes(mutated(SEEDS[name], rng))
        try:
            told = opened(path)
        finally:
            path.unlink()
        assert all(map(is_one_sentence, told)), (number, told)
        refused += bool(told)
        if number % 50 == 0:
            assert readers_peak() < GIB
    print(f"\n{refused} of {MUTATIONS} mutations refused, the reader's peak {readers_peak() / GIB:.2f} GiB")
    assert refused > MUTATIONS / 4 and peak() - before < GIB / 2


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK", "I;16", "P"])
def test_the_largest_picture_that_is_allowed_fits_the_readers_memory(mode):
    picture = Pillow.new(mode, (8000, 8000))
    options = {"kind": "TIFF", "compression": "tiff_lzw"} if mode == "CMYK" else {"kind": "PNG", "compress_level": 1}
    kept = guard().picture(encoded(picture, **options))
    assert (kept.width, kept.height) == (8000, 8000) and readers_peak() < GIB


@pytest.mark.slow
def test_a_reader_that_hangs_or_dies_costs_one_file_and_the_next_one_is_read():
    with closing(Guard(1, wait=0.0)) as small:
        with pytest.raises(BadPicture, match="it took too long"):
            small.picture(png())
        small.wait = 60.0
        assert small.picture(png()).width == 64
        reader = small._idle.get()
        reader._process.kill()
        reader._process.wait()
        small._idle.put(reader)
        assert small.picture(png()).width == 64
        small.seconds = 0  # the limit of processor time ends it within a second of work
        large = encoded(Pillow.new("RGB", (6000, 6000)), "PNG", compress_level=1)
        with pytest.raises(BadPicture, match="too much processor time"):
            for _ in range(200):
                small.picture(large)
        small.seconds = 30
        assert small.picture(png()).width == 64


def test_a_reader_knows_no_secret_and_may_write_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BGAD_DATABASE_URL", "postgresql://ann:hush@host/name")
    with closing(Guard(1)) as small:
        small.picture(png())
        pid = small._idle.queue[0]._process.pid
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max file size\s+0\s+0", limits) and not re.search(r"Max address space\s+unlimited", limits)


def test_what_an_inspector_sees_is_the_same_with_and_without_the_guard():
    from app.services.pictures import read_picture

    data = encoded(grain("RGBA"), "PNG")
    assert guard().picture(data) == read_picture(data)
