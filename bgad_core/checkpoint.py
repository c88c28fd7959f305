"""Tensors and JSON in one safetensors file, written whole or not at all. No pickle anywhere."""

import json
import os
import uuid
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bgad_core.errors import CheckpointError


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors with a JSON header; a reader, or a crash at any moment, sees the old file or the new one.

    Raises:
        CheckpointError: the disk refused (no space left, no rights).
    """
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    data = save(plain, metadata={"bgad": json.dumps(facts)})
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise CheckpointError(
            f"{path.name} ({len(data):,} bytes) cannot be written ({error.strerror or error}): free some space in "
            f"{path.parent} and start again; it goes on from the last checkpoint"
        ) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write` wrote.

    Raises:
        CheckpointError: missing, damaged, or not written by this product.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get("bgad")
            if header is None:
                raise CheckpointError(f"{path.name} is a safetensors file, but not a BGAD model: check the path")
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(header)  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist: check the path") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} cannot be read ({error}): restore it or train again") from error
