"""Settings of one installation, read once from `BGAD_*` environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from storage.models import Role

DEFAULT_BACKBONE = "tf_efficientnet_b6"
PRECISIONS = ("float32", "bfloat16", "auto")


@dataclass(frozen=True)
class Settings:
    """Where things live and how much of the machine may be used.

    Attributes:
        home: folder for the embedded database, objects, checkpoints and caches (`BGAD_HOME`).
        database_url: SQLAlchemy URL (`BGAD_DATABASE_URL`, or in the file that `BGAD_DATABASE_URL_FILE` names), SQLite
            under `home` unless set.
        objects_url: fsspec URL of the object store (`BGAD_OBJECTS_URL`), `file://` under `home` unless set.
        backbone: timm model for new projects (`BGAD_BACKBONE`).
        weights: safetensors file with the backbone's weights, None for timm's hub (`BGAD_WEIGHTS`).
        device: `auto`, `cpu`, `cuda` or `mps` (`BGAD_DEVICE`).
        precision: `float32`, `bfloat16`, or `auto` for what the device is fast at (`BGAD_PRECISION`): of new versions
            but those of the preset `paper`; a version keeps its own for good.
        ranks: processes that a retrain trains in (`BGAD_RANKS`), one per GPU of the machine; they share `threads`.
        threads: processor threads of the worker (`BGAD_THREADS`); one core is left to the web server.
        shard: images per part of a large scoring request (`BGAD_SHARD`), which any worker may take.
        stalled: seconds without progress after which a job is parked and its worker starts anew (`BGAD_STALLED`); 0:
            never.
        ray_address: a Ray cluster for those parts (`BGAD_RAY_ADDRESS`: `auto`, or the head's host:port); "" leaves them
            to the workers.
        host, port: where the web server listens (`BGAD_HOST`, `BGAD_PORT`).
        secure_cookies: True behind TLS (`BGAD_SECURE_COOKIES`): cookies then travel over https only.
        hosts: names that the web server answers to, besides addresses, localhost and the machine's own (`BGAD_HOSTS`,
            separated by commas).
        oidc_issuer, oidc_client_id, oidc_client_secret: an OIDC provider to sign in with as well, "" for none; the
            secret is in a file (`BGAD_OIDC_ISSUER`, `BGAD_OIDC_CLIENT_ID`, `BGAD_OIDC_CLIENT_SECRET_FILE`).
        oidc_name: what its button says (`BGAD_OIDC_NAME`).
        oidc_role: what new people of it may do in every project there is then (`BGAD_OIDC_ROLE`); None: nothing yet.
        demo: True for `make demo` alone: the sign-in page shows the demo account (`BGAD_DEMO`).
    """

    home: Path
    database_url: str
    objects_url: str
    backbone: str
    weights: Path | None
    device: str
    threads: int
    shard: int
    host: str
    port: int
    secure_cookies: bool
    demo: bool
    precision: str = "float32"
    ranks: int = 1
    stalled: int = 1800
    ray_address: str = ""
    hosts: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_name: str = "single sign-on"
    oidc_role: Role | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read `BGAD_*`; raises ValueError with the variable's name when a number does not parse."""
        env = os.environ if environment is None else environment
        home = Path(env.get("BGAD_HOME", "bgad-data")).expanduser().resolve()
        weights = env.get("BGAD_WEIGHTS")
        return cls(
            home=home,
            database_url=_database_url(env) or f"sqlite:///{home / 'bgad.db'}",
            objects_url=env.get("BGAD_OBJECTS_URL", (home / "objects").as_uri()),
            backbone=env.get("BGAD_BACKBONE", DEFAULT_BACKBONE),
            weights=Path(weights).expanduser().resolve() if weights else None,
            device=env.get("BGAD_DEVICE", "auto"),
            threads=_number(env, "BGAD_THREADS", max(1, (os.cpu_count() or 2) - 1)),
            shard=max(1, _number(env, "BGAD_SHARD", 4096)),
            host=env.get("BGAD_HOST", "127.0.0.1"),
            port=_number(env, "BGAD_PORT", 8501),
            secure_cookies=env.get("BGAD_SECURE_COOKIES", "") == "1",
            hosts=tuple(name.strip().lower() for name in env.get("BGAD_HOSTS", "").split(",") if name.strip()),
            oidc_issuer=_issuer(env),
            oidc_client_id=env.get("BGAD_OIDC_CLIENT_ID", ""),
            oidc_client_secret=_secret(env, "BGAD_OIDC_CLIENT_SECRET_FILE"),
            oidc_name=env.get("BGAD_OIDC_NAME", "single sign-on"),
            oidc_role=_role(env, "BGAD_OIDC_ROLE"),
            demo=env.get("BGAD_DEMO", "") == "1",
            ray_address=env.get("BGAD_RAY_ADDRESS", ""),
            ranks=max(1, _number(env, "BGAD_RANKS", 1)),
            stalled=_number(env, "BGAD_STALLED", 1800),
            precision=_choice(env, "BGAD_PRECISION", PRECISIONS),
        )


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = env.get(name, choices[0])
    if value not in choices:
        raise ValueError(f"{name} is {value!r}: set it to one of {', '.join(choices)}")
    return value


def _issuer(env: Mapping[str, str]) -> str:
    issuer = env.get("BGAD_OIDC_ISSUER", "")
    parts = urlsplit(issuer)
    if issuer and parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"BGAD_OIDC_ISSUER is {issuer!r}: it has to begin with https://")
    return issuer


def _secret(env: Mapping[str, str], name: str) -> str:
    """What stands in the file that a variable names, where no list of processes shows it; "" without one."""
    if not (path := env.get(name, "")):
        return ""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is {path!r}, which cannot be read ({error}): give a file with the secret") from error


def _database_url(env: Mapping[str, str]) -> str:
    return _secret(env, "BGAD_DATABASE_URL_FILE") or env.get("BGAD_DATABASE_URL", "")


def _role(env: Mapping[str, str], name: str) -> Role | None:
    value = env.get(name, "")
    if value and (value not in Role.__members__ or value == Role.admin.name):
        raise ValueError(f"{name} is {value!r}: choose viewer, inspector, reviewer or engineer")
    return Role[value] if value else None


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, str(default))
    if not value.isdigit():
        raise ValueError(f"{name} is {value!r}: set it to a whole number, for example {name}={default}")
    return int(value)
