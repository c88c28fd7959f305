"""A test double of an S3 server: the few requests that obstore sends, over a folder; signatures are not checked.

`python -m tests.s3_double PORT FOLDER [--ignore-conditions]`. What it confirmed is on disk, so it may be killed. With
`--ignore-conditions` it is a server of the kind that writes over an object whatever `If-None-Match` says.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.patience import wait_for
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
BUCKET = "parts"
ISO = "%Y-%m-%dT%H:%M:%SZ"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    ignore_conditions: bool
    writing = threading.Lock()

    def do_PUT(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self._path()
        with self.writing:
            if self.headers.get("If-None-Match") == "*" and path.exists() and not self.ignore_conditions:
                return self._answer(412, _error("PreconditionFailed"))
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.parent / f".{uuid.uuid4().hex}"
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        self._answer(200, tag=hashlib.md5(data).hexdigest())

    def do_GET(self):
        asked = urlsplit(self.path)
        if "list-type" in asked.query:
            return self._answer(200, self._listing(asked))
        self._send(body=True)

    def _listing(self, asked):
        """All keys of a bucket that begin with the prefix, on one page."""
        bucket = unquote(asked.path).strip("/")
        found = [path for path in self.folder.iterdir() if path.name[0] == "%"]
        keys = {unquote(path.name).removeprefix(f"/{bucket}/"): path.stat() for path in found}
        prefix = parse_qs(asked.query).get("prefix", [""])[0]
        entries = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{time.strftime(ISO, time.gmtime(stat.st_mtime))}</LastModified>"
            f"<ETag>0</ETag><Size>{stat.st_size}</Size></Contents>"
            for key, stat in sorted(keys.items())
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()

    def do_HEAD(self):
        self._send(body=False)

    def do_POST(self):
        """DeleteObjects: keys of the bucket in the address, named in the body."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        bucket, keys = urlsplit(self.path).path.rstrip("/"), re.findall("<Key>([^<]+)</Key>", body)
        for key in keys:
            (self.folder / quote(f"{bucket}/{key}", safe="")).unlink(missing_ok=True)
        gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _send(self, *, body):
        path = self._path()
        if not path.is_file():
            return self._answer(404, _error("NoSuchKey") if body else b"")
        data = path.read_bytes()
        written = formatdate(path.stat().st_mtime, usegmt=True)
        self._answer(200, data, tag=hashlib.md5(data).hexdigest(), body=body, written=written)

    def _path(self):
        """One flat file per key: nothing in a key can lead out of the folder."""
        return self.folder / quote(unquote(urlsplit(self.path).path), safe="")

    def _answer(self, status, data=b"", *, tag=None, body=True, written="Wed, 25 Nov 2026 00:00:00 GMT"):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if tag:
            self.send_header("ETag", f'"{tag}"')
        self.send_header("Last-Modified", written)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def _error(code):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


class S3Double:
    """The double as a process of its own, that can be killed and started again on the same port and folder."""

    def __init__(self, folder, *options):
        self.port, self.folder, self.options = free_port(), folder, options
        self.start()

    @property
    def environment(self):
        """What points obstore at it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "double",
            "AWS_SECRET_ACCESS_KEY": "double",
            "AWS_REGION": "us-east-1",
        }

    def start(self):
        command = [sys.executable, "-m", "tests.s3_double", str(self.port), str(self.folder), *self.options]
        self.process = subprocess.Popen(command, cwd=ROOT)
        wait_for(lambda: self.process.poll() is not None or self._answers(), what="the S3 double", every=0.05)
        assert self.process.poll() is None, "the S3 double ended at once"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def _answers(self):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def main():
    options = argparse.ArgumentParser()
    options.add_argument("port", type=int)
    options.add_argument("folder", type=Path)
    options.add_argument("--ignore-conditions", action="store_true")
    given = options.parse_args()
    Handler.folder, Handler.ignore_conditions = given.folder, given.ignore_conditions
    given.folder.mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
