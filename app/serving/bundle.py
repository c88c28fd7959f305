"""A bundle: one version outside of the tool, as a folder or a `.bgad` file (a zip). Reading and checking it; no torch.

    manifest.json       what it is, its preprocessing, the scale of its scores, and the SHA-256 of every other file
    decision.json       boundary and operating point: the one file that may be edited
    graph.onnx          backbone, flows and fusion as one graph; graph.xml and graph.bin are the same for OpenVINO
    model.safetensors   the exact model, and backbone.safetensors its backbone's weights where it has any
    version.json        what the tool knows of the version: metrics, histograms, snapshot, operating point
    certificate.html    the version's certificate as it stood
    selftest.json       images in selftest/ with the scores that the tool gave them

Digests tell damage and mix-ups, not who made a bundle: take bundles from those whom you trust.
"""

import hashlib
import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services.errors import Refused
from bgad_core.boundary import LevelBoundary
from bgad_core.config import BGADConfig
from bgad_core.standing import StandingName, lowest_at, score_at, stands

FORMAT = 1
SUFFIX = ".bgad"
MANIFEST, DECISION, SELF_TEST, VERSION = "manifest.json", "decision.json", "selftest.json", "version.json"
MODEL, BACKBONE, CERTIFICATE = "model.safetensors", "backbone.safetensors", "certificate.html"
MAX_BYTES = 8 * 2**30
SLACK = 1.5e-4  # in log-likelihood: a step of `lowest_of` and a half
WORDS: dict[StandingName, str] = {"normal": "good", "margin": "look", "defect": "defect"}


@dataclass(frozen=True)
class Scale:
    """What turns a lowest log-likelihood into a score; part of the model, never edited.

    Attributes:
        median: of the fused map's calibration cells: score 0 there and above.
        b_n: of calibration parts' lowest values: score 0.5 exactly there.
    """

    median: float
    b_n: float

    def score(self, lowest: float) -> float:
        return score_at(lowest, self.median, self.b_n)


@dataclass(frozen=True)
class Rule:
    """How a part is decided; higher log-likelihoods are more normal, higher scores more abnormal.

    Attributes:
        b_n, b_a: the part's boundary: good from b_n up, defect below b_a, and between them somebody looks.
        stop, reject: an operating point in its place: good up to `stop`, defect above `reject`; both or neither.
    """

    b_n: float
    b_a: float
    stop: float | None = None
    reject: float | None = None

    def decide(self, lowest: float, scale: Scale) -> str:
        """ "good", "look" or "defect"."""
        if self.stop is None or self.reject is None:
            return WORDS[self.standing(lowest)]
        stop, reject = (lowest_at(score, scale.median, scale.b_n) for score in (self.stop, self.reject))
        return WORDS[_stands(lowest, stop, reject)]

    def standing(self, lowest: float) -> StandingName:
        """Against the boundary, whatever decides."""
        return _stands(lowest, self.b_n, self.b_a)

    def level(self, scale: Scale) -> float:
        """The log-likelihood below which a place is stopped."""
        return self.b_n if self.stop is None else lowest_at(self.stop, scale.median, scale.b_n)


def _stands(lowest: float, upper: float, lower: float) -> StandingName:
    """`stands`, a last bit below a line counting as on it.

    A line is a calibration part's own value. That part lies exactly on it in the tool, and by the last bits of another
    runtime it would fall to one side or the other.
    """
    upper, lower = (line - SLACK * max(1.0, abs(line)) for line in (upper, lower))
    return stands(lowest, b_n=upper, b_a=lower)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose digests were right.

    Attributes:
        manifest: as it lies in the bundle.
        rule: from decision.json, as it stands now.
        exported: the rule as it was exported.
    """

    source: "Source"
    manifest: dict[str, Any]
    config: BGADConfig
    scale: Scale
    rule: Rule
    exported: Rule

    @property
    def name(self) -> str:
        return f"{self.manifest['project']} v{self.manifest['version']}"

    @property
    def edited(self) -> bool:
        return self.rule != self.exported

    def read(self, name: str) -> bytes:
        """One file, checked against the manifest.

        Raises:
            Refused: it is missing or damaged.
        """
        data = self.source.read(name)
        if name != DECISION and hashlib.sha256(data).hexdigest() != self.manifest["files"].get(name):
            raise Refused(f"{name} of the bundle {self.source.path.name} is damaged (wrong SHA-256): copy it again")
        return data

    def boundaries(self) -> list[LevelBoundary]:
        return [LevelBoundary(**row) for row in self.manifest["boundaries"]]


class Source:
    """Where a bundle's files lie: a folder, or a zip that is never unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise Refused(f"the bundle {path} does not exist: check the path")
        if not path.is_dir() and not zipfile.is_zipfile(path):
            raise Refused(f"{path} is neither a bundle's folder nor a {SUFFIX} file: make one by `bgad-inspect export`")

    def read(self, name: str) -> bytes:
        try:
            if self.path.is_dir():
                return (self.path / name).read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(name)
                if info.file_size > MAX_BYTES:
                    raise Refused(f"{name} of {self.path.name} is larger than {MAX_BYTES // 2**30} GiB: no bundle's is")
                return archive.read(info)
        except (KeyError, FileNotFoundError):
            raise Refused(f"the bundle {self.path.name} has no {name}: export it again") from None
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise Refused(f"{name} of the bundle {self.path.name} cannot be read ({error}): copy it again") from None


def open_bundle(path: Path) -> Bundle:
    """Open a bundle and check every file of it.

    Raises:
        Refused: no bundle, of another format, damaged, or with an edited decision that makes no sense.
    """
    source = Source(path)
    try:
        manifest = json.loads(source.read(MANIFEST))
        if manifest["format"] != FORMAT:
            raise Refused(f"{path.name} has format {manifest['format']}, this release reads {FORMAT}: update")
        config = BGADConfig.from_dict(manifest["config"])
        scale, exported = Scale(**manifest["scale"]), rule_from(manifest["decision"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"{MANIFEST} of {path.name} lacks what a bundle needs ({error!r}): export it again") from None
    try:
        rule = rule_from(json.loads(source.read(DECISION)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"{DECISION} of {path.name} makes no sense ({error}): mend it or export again") from None
    bundle = Bundle(source, manifest, config, scale, rule, exported)
    for name in manifest["files"]:
        bundle.read(name)
    return bundle


def rule_from(values: dict[str, Any]) -> Rule:
    """The rule of decision.json.

    Raises:
        ValueError, KeyError, TypeError: not such values, or not in their order.
    """
    boundary, point = values["boundary"], values["operating_point"]
    b_n, b_a = float(boundary["b_n"]), float(boundary["b_a"])
    if not (math.isfinite(b_n) and math.isfinite(b_a) and b_a <= b_n):
        raise ValueError(f"b_a {b_a:g} must be a number at or below b_n {b_n:g}")
    if point is None:
        return Rule(b_n, b_a)
    stop, reject = float(point["stop"]), float(point["reject"])
    if not 0 <= stop <= reject < 1:
        raise ValueError(f"0 <= stop {stop:g} <= reject {reject:g} < 1 does not hold")
    return Rule(b_n, b_a, stop, reject)
