"""Objects in an S3 bucket.

Spoken by obstore, not s3fs: it sends `If-None-Match: *` with a create, which is what makes a name mean one content for
good, and it needs no package beside itself (s3fs asks for an older python-dateutil than the product's).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from storage.stores import Entry


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
            raise ImportError("this needs obstore: run `make install-s3`") from error
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
        with _as_os_error():  # one request again: of an upload in parts that is cut off, the parts stay and cost money
            self._obstore.put(self._bucket, path, data, use_multipart=False)

    def entries(self) -> Iterator[Entry]:
        with _as_os_error():
            for page in self._obstore.list(self._bucket):
                yield from (Entry(entry["path"], entry["size"], entry["last_modified"]) for entry in page)

    def modified(self, path: str) -> datetime | None:
        with _as_os_error():
            try:
                return self._obstore.head(self._bucket, path)["last_modified"]
            except FileNotFoundError:
                return None

    def renew(self, path: str, data: bytes) -> bool:
        """Written over with the same bytes: S3 renews an object no other way."""
        self.overwrite(path, data)
        return True

    def discard(self, path: str, *, before: datetime) -> bool:
        """Looked at right before. S3 deletes without a condition: one that is renewed between the two requests is lost,
        so what is discarded has to be old, named by nobody, and not the bytes of an upload of this very moment.
        """
        if (written := self.modified(path)) is None or written >= before:
            return False
        with _as_os_error():
            self._obstore.delete(self._bucket, path)
        return True


@contextmanager
def _as_os_error() -> Iterator[None]:
    """obstore has errors of its own; the first line says what happened, the rest is a trace of its code."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise OSError(str(error).strip().splitlines()[0]) from error
