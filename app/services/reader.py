"""The process that opens what strangers send: `python -m app.services.reader`, one request after the other on stdin.

It limits itself before it reads anything: memory, processor time per request, no file may be written, no secret is in
its environment. A file that breaks it breaks nothing else; `guard.py` starts the next one.
"""

import ctypes
import json
import os
import resource
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from app.services.errors import Refused, shortly
from app.services.mask_files import read_mask
from app.services.pictures import BadPicture, read_picture
from app.services.zips import Zips
from storage.errors import StorageError

MEMORY = 900 * 2**20  # beyond what the empty process has mapped
FRAME = struct.Struct("<IQ")  # bytes of the JSON header, bytes after it
Frame = tuple[dict[str, Any], list[bytes]]

zips = Zips()


def picture(request: dict[str, Any], data: bytes) -> Iterator[Frame]:
    read = read_picture(data)
    yield {"width": read.width, "height": read.height, "png": len(read.png)}, [read.png, read.thumb]


def mask(request: dict[str, Any], data: bytes) -> Iterator[Frame]:
    plane = read_mask(data, width=request["width"], height=request["height"], of=request["of"])
    yield {}, [np.packbits(plane).tobytes()]


def listed(request: dict[str, Any], _data: bytes) -> Iterator[Frame]:
    limits = {name: request[name] for name in ("max_entries", "max_total")}
    yield {"entries": zips.listed(Path(request["path"]), request["shown"], **limits)}, []


def member(request: dict[str, Any], _data: bytes) -> Iterator[Frame]:
    yield {}, [zips.member(Path(request["path"]), request["index"])]


def labels(request: dict[str, Any], _data: bytes) -> Iterator[Frame]:
    from app.services.label_formats.reading import decoded  # only now: it takes the database's code along

    yield from decoded(Path(request["path"]), request["format"])


TASKS: dict[str, Callable[[dict[str, Any], bytes], Iterator[Frame]]] = {
    "picture": picture,
    "mask": mask,
    "listed": listed,
    "member": member,
    "labels": labels,
}


def main() -> None:
    source, out = sys.stdin.buffer, sys.stdout.buffer
    _limit()
    while (head := source.read(FRAME.size)) and len(head) == FRAME.size:
        header, size = FRAME.unpack(head)
        request = json.loads(source.read(header))
        _cpu(request["seconds"])
        answer(request, source.read(size), out)


def answer(request: dict[str, Any], data: bytes, out: IO[bytes]) -> None:
    """All frames of a request, then the one that ends it: with nothing, or with why the rest was refused."""
    end: dict[str, Any] = {"end": True}
    try:
        for facts, parts in TASKS[request["do"]](request, data):
            write(out, facts, parts)
    except (BadPicture, Refused, StorageError) as refused:
        end["refused"] = shortly(str(refused))
    except MemoryError:
        end["refused"] = f"needs more than {MEMORY // 2**20} MiB to be opened: make it smaller"
    except Exception as error:  # the edge of this process: strangers find what no list of exceptions names
        end["refused"] = f"is damaged in a way that nobody foresaw ({type(error).__name__}: {shortly(str(error), 120)})"
    write(out, end, [])


def write(out: IO[bytes], facts: dict[str, Any], parts: list[bytes]) -> None:
    header = json.dumps(facts).encode()
    out.write(FRAME.pack(len(header), sum(map(len, parts))) + header)
    for part in parts:
        out.write(part)
    out.flush()


def _limit() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders in C fill the log with what a file makes them say
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
        ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS


def _cpu(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
