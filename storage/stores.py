"""Where objects lie: a folder, an S3 bucket, or another fsspec file system. Each can create an object only once.

S3 is spoken by obstore, not s3fs: it sends `If-None-Match: *` with a create, which is what makes a name mean one
content for good, and it needs no package beside itself (s3fs asks for an older python-dateutil than the product's).
"""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import fsspec

from storage.errors import StorageError

PROBE = "create-only"


class Store(Protocol):
    """Bytes under paths relative to a root. Errors are OSError; FileNotFoundError where there is nothing."""

    root: str

    def read(self, path: str) -> bytes: ...

    def size(self, path: str) -> int | None: ...

    def paths(self) -> Iterator[str]:
        """All paths that there are, in no order."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Write all of the bytes unless the path is taken; whether they were written."""
        ...

    def overwrite(self, path: str, data: bytes) -> None: ...


def open_store(url: str) -> Store:
    """The store behind a URL.

    Raises:
        StorageError: the URL's kind is unknown, its driver is missing, or the store does not keep what it creates.
    """
    try:
        if urlsplit(url).scheme in ("s3", "s3a"):
            return S3(url)
        files, root = fsspec.core.url_to_fs(url)
        return Folder(root) if "file" in _protocols(files) else Other(files, root)
    except (ValueError, ImportError, OSError) as error:
        raise StorageError(f"objects cannot be kept at {url} ({error}): set BGAD_OBJECTS_URL") from error


def require_create_only(store: Store) -> None:
    """Refuse a store that writes over what is there although it was told not to.

    Raises:
        StorageError: it does, or it cannot be written at all.
    """
    if isinstance(store, Folder):  # the kernel's link() refuses a name that is taken
        return
    try:
        overwrites = store.create(PROBE, b"a second write of this object must be refused\n") and store.create(
            PROBE, b"this object was written over\n"
        )
    except OSError as error:
        raise StorageError(f"{store.root} cannot be written ({error}): see that it runs and you may write") from error
    if overwrites:
        raise StorageError(
            f"{store.root} ignores create-only writes (If-None-Match: *): two workers could write over each other's "
            "results. Use a store that honours them (Amazon S3 does, and so do current S3-compatible servers)"
        )


class Folder:
    """A folder of this machine, or one that several machines mount."""

    def __init__(self, root: str) -> None:
        self.root = root
        Path(root).mkdir(parents=True, exist_ok=True)

    def read(self, path: str) -> bytes:
        return self.path(path).read_bytes()

    def size(self, path: str) -> int | None:
        found = self.path(path)
        return found.stat().st_size if found.is_file() else None

    def paths(self) -> Iterator[str]:
        root = Path(self.root)
        return (found.relative_to(root).as_posix() for found in root.rglob("*") if found.is_file())

    def create(self, path: str, data: bytes) -> bool:
        return write_atomically(self._made(path), data, only_new=True)

    def overwrite(self, path: str, data: bytes) -> None:
        write_atomically(self._made(path), data)

    def path(self, path: str) -> Path:
        return Path(self.root) / path

    def _made(self, path: str) -> Path:
        found = self.path(path)
        found.parent.mkdir(parents=True, exist_ok=True)
        return found


class S3:
    """A bucket, or a prefix in one; credentials and endpoint come from the usual AWS_* variables or the machine's role.

    Raises:
        ImportError: the extra `s3` is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as error:
            raise ImportError("this needs the extra: pip install 'bgad-inspect[s3]'") from error
        self.root, self._obstore = url.rstrip("/"), obstore
        patience = {"max_retries": 8, "retry_timeout": timedelta(seconds=60)}
        plain = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"  # client options hide what obstore reads itself
        limits: Any = {"timeout": "60s", "connect_timeout": "5s", "allow_http": plain}
        with _as_os_error():
            self._bucket = S3Store.from_url(self.root, client_options=limits, retry_config=patience)  # type: ignore[arg-type]

    def read(self, path: str) -> bytes:
        with _as_os_error():
            return self._obstore.get(self._bucket, path).bytes().to_bytes()

    def size(self, path: str) -> int | None:
        with _as_os_error():
            try:
                return self._obstore.head(self._bucket, path)["size"]
            except FileNotFoundError:
                return None

    def paths(self) -> Iterator[str]:
        with _as_os_error():
            for page in self._obstore.list(self._bucket):
                yield from (entry["path"] for entry in page)

    def create(self, path: str, data: bytes) -> bool:
        from obstore.exceptions import AlreadyExistsError

        with _as_os_error():
            try:  # one request: a multipart upload cannot carry the condition
                self._obstore.put(self._bucket, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
            return True

    def overwrite(self, path: str, data: bytes) -> None:
        with _as_os_error():
            self._obstore.put(self._bucket, path, data)


class Other:
    """Any other fsspec file system that is installed, and honours `mode="create"`."""

    def __init__(self, files: Any, root: str) -> None:
        self._files, self.root = files, root
        files.makedirs(root, exist_ok=True)

    def read(self, path: str) -> bytes:
        return bytes(self._files.cat_file(f"{self.root}/{path}"))

    def size(self, path: str) -> int | None:
        try:
            return int(self._files.size(f"{self.root}/{path}"))
        except FileNotFoundError:
            return None

    def paths(self) -> Iterator[str]:
        return (str(path).removeprefix(f"{self.root}/") for path in self._files.find(self.root))

    def create(self, path: str, data: bytes) -> bool:
        return self._put(path, lambda full: self._files.pipe_file(full, data, mode="create"))

    def overwrite(self, path: str, data: bytes) -> None:
        self._put(path, lambda full: self._files.pipe_file(full, data))

    def _put(self, path: str, write: Callable[[str], object]) -> bool:
        full = f"{self.root}/{path}"
        self._files.makedirs(full.rpartition("/")[0], exist_ok=True)
        try:
            write(full)
        except FileExistsError:
            return False
        return True


def write_atomically(path: Path, data: bytes, *, only_new: bool = False) -> bool:
    """All of the bytes or none, on disk before this returns; False when `only_new` and the path is taken."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not only_new:
            temporary.replace(path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
        _sync_folder(path.parent)
        return True
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """obstore has errors of its own; the first line says what happened, the rest is a trace of its code."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise OSError(str(error).strip().splitlines()[0]) from error


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)
