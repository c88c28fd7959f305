"""Somebody who labels over HTTP with a cookie, as a browser does, and goes to another web server when one is down."""

import hashlib
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from dataclasses import dataclass

import numpy as np

from storage.masks import decode_mask, encode_mask

COOKIE = "bgad_session"
SIDE = 64


@dataclass(frozen=True)
class Said:
    """A label as it was sent: a defect has its mask, and a scratch in it a mask of its own."""

    image: int
    verdict: str
    dent: bytes | None = None
    scratch: bytes | None = None

    @property
    def mask(self) -> bytes | None:
        """All that is marked."""
        return encode_mask(decode_mask(self.dent) | decode_mask(self.scratch)) if self.dent and self.scratch else None

    def body(self, client_id: str, revision: int) -> bytes:
        given = {"verdict": self.verdict, "client_id": client_id, "revision": revision}
        if self.dent and self.scratch:
            drawn = {"mask": b64encode(self.dent).decode(), "types": {"scratch": b64encode(self.scratch).decode()}}
            given |= {"type": "dent", **drawn}
        return json.dumps(given).encode()


class Labeller(threading.Thread):
    """Labels its own images again and again until told to stop; every save is sent until it is answered.

    Attributes:
        told: the revision of each label that was confirmed, by its client id.
        sent: everything that was sent by its client id, confirmed or not.
        wrong: images that came with other bytes than theirs, and answers that nobody expects.
        again: requests that got no answer, or that the server had no database for.
    """

    def __init__(self, name: str, password: str, webs: list[str], images: dict[int, str], seed: int) -> None:
        super().__init__(daemon=True)
        self.who, self.password, self.webs, self.images = name, password, webs, images
        self.chance, self.stopping = random.Random(seed), threading.Event()
        self.told: dict[str, int] = {}
        self.sent: dict[str, Said] = {}
        self.wrong: list[str] = []
        self.again = 0
        self.cookie = ""

    def run(self) -> None:
        revisions = dict.fromkeys(self.images, 0)
        while not self.stopping.is_set():
            image = self.chance.choice(list(self.images))
            if not self.cookie:
                self._sign_in()
                continue
            shown = self._ask(f"/image/{image}")
            if shown is not None and hashlib.sha256(shown).hexdigest() != self.images[image]:
                self.wrong.append(f"image {image} came with other bytes")
            client_id, said = uuid.uuid4().hex, self._word(image)
            self.sent[client_id] = said
            body = said.body(client_id, revisions[image])
            answer = None
            while answer is None and not self.stopping.is_set():
                answer = self._ask(f"/api/images/{image}/label", body)
            if answer is not None:
                revisions[image] = json.loads(answer)["revision"]
                self.told[client_id] = revisions[image]
            time.sleep(self.chance.uniform(0.05, 0.3))

    def _word(self, image: int) -> Said:
        verdict = self.chance.choice(["normal", "unsure", "defect"])
        return Said(image, verdict, *((self._box(), self._box()) if verdict == "defect" else ()))

    def _box(self) -> bytes:
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        top, left = (self.chance.randrange(SIDE - 20) for _ in range(2))
        mask[top : top + self.chance.randint(1, 20), left : left + self.chance.randint(1, 20)] = True
        return encode_mask(mask)

    def _sign_in(self) -> None:
        form = urllib.parse.urlencode({"name": self.who, "password": self.password}).encode()
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(self.chance.choice(self.webs) + "/login", form, timeout=10)
        except urllib.error.HTTPError as answer:
            if answer.code == 303:
                self.cookie = answer.headers["set-cookie"].split(";")[0].removeprefix(f"{COOKIE}=")
                return
        except (OSError, http.client.HTTPException):
            pass
        self._later()

    def _ask(self, path: str, body: bytes | None = None) -> bytes | None:
        """The answer's bytes; None when there was none, or the server had no database or no objects just then."""
        request = urllib.request.Request(self.chance.choice(self.webs) + path, body)
        request.add_header("Cookie", f"{COOKIE}={self.cookie}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as refused:
            if refused.code < 500:
                self.wrong.append(f"{path}: {refused.code} {refused.read()[:200]!r}")
        except (OSError, http.client.HTTPException):  # refused, cut off in the middle, or silent
            pass
        self._later()
        return None

    def _later(self) -> None:
        self.again += 1
        time.sleep(self.chance.uniform(0.1, 0.5))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
