"""The arrows of the house: who may import whom. Read from the source, so nothing has to be importable."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FORBIDDEN = {
    "bgad_core": {"app", "storage", "streamlit", "sqlalchemy", "dbos"},
    "storage": {"app", "bgad_core", "torch", "timm", "streamlit", "cv2", "dbos"},
    "app/services": {"app.ui", "app.worker", "bgad_core", "torch", "streamlit", "dbos"},
    "app/ui": {"app.worker", "bgad_core", "torch", "timm", "sqlalchemy", "storage.database", "dbos"},
    "app/worker": {"app.ui", "streamlit"},
    "app/serving": {"app.ui", "app.worker", "app.jobs", "storage", "sqlalchemy", "torch", "timm", "FrEIA", "streamlit"},
    "app/jobs.py": {"app.ui", "app.worker", "app.services", "bgad_core", "torch", "streamlit"},
}
ONLY = {
    "streamlit": ("app/ui",),
    "bgad_core": ("app/worker", "app/serving"),
    "dbos": ("app/jobs.py",),
    "torch": ("bgad_core", "app/worker"),
    "ray": ("app/worker/on_ray.py",),
    "fastapi": ("app/serving",),
    "onnxruntime": ("app/serving",),
    "openvino": ("app/serving", "bgad_core/export.py"),
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, absolute, at any depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports absolute"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources(folder: str) -> list[Path]:
    path = ROOT / folder
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("folder", sorted(FORBIDDEN))
def test_arrows_point_downward(folder):
    for path in sources(folder):
        for name in imports(path):
            for banned in FORBIDDEN[folder]:
                assert name != banned and not name.startswith(banned + "."), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("package", sorted(ONLY))
def test_a_heavy_package_has_one_home(package):
    for path in sources("app") + sources("storage") + sources("bgad_core"):
        relative = path.relative_to(ROOT).as_posix()
        if relative.startswith((*ONLY[package], package)):
            continue
        names = imports(path)
        assert not any(n == package or n.startswith(package + ".") for n in names), f"{relative} imports {package}"


def test_the_readers_of_imports_see_real_files():
    assert len(sources("bgad_core")) > 3 and len(sources("app")) > 3 and len(sources("storage")) > 1
