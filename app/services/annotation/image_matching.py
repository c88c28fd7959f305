"""Which image of a project a label of a file is of: the right one or none."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from app.services.errors import Refused
from storage.models import Image
from storage.text import visible

UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an upload
Path = tuple[str, ...]


class Images:
    """A project's images by content and by the ends of their paths."""

    def __init__(self, rows: Iterable[Image]) -> None:
        self._by_hash: dict[str, Image] = {}
        self._by_name: dict[str, list[tuple[Path, Image]]] = defaultdict(list)
        for image in rows:
            self._by_hash |= {image.sha256: image, image.pixels: image}
            parts = path_of(image.name)
            self._by_name[parts[-1] if parts else ""].append((parts, image))

    def by_content(self, sha256: str) -> Image | None:
        """The image of a file's hash, or of the hash of its pixels as they are kept."""
        return self._by_hash.get(sha256)

    def image_of(self, name: str, sha256: str = "") -> Image:
        """The image that a hash names, or else the only one whose path ends like the label's, or the other way round.

        A hash decides alone: a file that carries one speaks of that picture, whatever the names are.

        Raises:
            Refused: it is none of the project's, or may be several.
        """
        if sha256:
            if (image := self._by_hash.get(sha256.lower())) is not None:
                return image
            raise Refused("no image of this project has the content of its hash: ingest it first")
        found: dict[int, list[Image]] = defaultdict(list)
        for parts in spellings(name):
            for other, image in self._by_name.get(parts[-1], []):
                common = min(len(parts), len(other))
                if parts[-common:] == other[-common:] and image not in found[common]:
                    found[common].append(image)
        if not (best := found[max(found)] if found else []):
            raise Refused("no image is called so in this project: ingest it first")
        if len(best) > 1:
            names = ", ".join(sorted(image.name for image in best)[:3])
            raise Refused(f"{len(best)} images are called so ({names}): give their paths, or the hash of its content")
        return best[0]


def spellings(name: str) -> list[Path]:
    """The paths that a file's name of an image may mean: as it is, and without what Label Studio put before it."""
    parts = path_of(name)
    if not parts:
        return []
    bare = UPLOADED.sub("", parts[-1])
    uploaded = parts[:-1] == () or parts[-2] == "images" or parts[-3:-2] == ("upload",)
    return [parts, (bare,)] if bare != parts[-1] and uploaded else [parts]


def path_of(name: str) -> Path:
    """The parts of a name, composed and as an ingest shows it, whatever system or address wrote it."""
    text = visible(unicodedata.normalize("NFC", name)).replace("\\", "/")
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://", text):
        text = unquote(urlsplit(text).path)
    if (split := urlsplit(text)).path.rstrip("/").endswith("/data/local-files") and split.query:
        text = (parse_qs(split.query).get("d") or [text])[0]
    parts = PurePosixPath(text).parts
    return tuple(part for part in parts if part not in ("/", "..") and not re.match(r"^[A-Za-z]:$", part))
