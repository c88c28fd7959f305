"""compose.yaml and the Kubernetes manifests: valid by their schemas, and nothing in them that leads nowhere."""

import json
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).resolve().parents[1]
KUBERNETES = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
COMPOSE = (ROOT / "compose.yaml").read_text()


def documents():
    return [d for name in KUSTOMIZATION["resources"] for d in yaml.safe_load_all((KUBERNETES / name).read_text())]


def pods():
    """Every pod template by its owner's name."""
    for document in documents():
        spec = document.get("spec", {})
        template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get("template")
        if template:
            yield document["metadata"]["name"], template["spec"]


@pytest.mark.parametrize("document", documents(), ids=lambda d: f"{d['kind']}-{d['metadata']['name']}")
def test_a_manifest_is_valid_by_its_schema(document):
    kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_schema_refuses_a_wrong_manifest():
    wrong = yaml.safe_load((KUBERNETES / "worker.yaml").read_text())
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_every_file_is_listed_and_every_generated_name_exists():
    files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    made = {entry["name"] for kind in ("configMapGenerator", "secretGenerator") for entry in KUSTOMIZATION[kind]}
    claims = {d["metadata"]["name"] for d in documents() if d["kind"] == "PersistentVolumeClaim"}
    for _, pod in pods():
        for volume in pod["volumes"]:
            assert volume.get("secret", {}).get("secretName", "bgad") in made
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "home") in claims


def test_every_container_asks_for_what_it_needs_and_what_serves_is_probed():
    for name, pod in pods():
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            if container.get("ports"):
                assert {"readinessProbe", "livenessProbe"} <= set(container), name


def test_a_worker_has_a_gpu_of_its_own():
    resources = dict(pods())["worker"]["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"


def test_compose_is_valid_and_has_two_web_servers():
    services = PyCompose.from_json(json.dumps(yaml.safe_load(COMPOSE))).to_dict()["services"]
    assert services["web"]["deploy"]["replicas"] == 2
    assert {"proxy", "web", "worker", "database", "objects", "backup"} <= set(services)
    with pytest.raises(ValueError, match="replica"):
        PyCompose.from_json(json.dumps(yaml.safe_load(COMPOSE.replace("replicas: 2", "replica: 2"))))


def test_passwords_are_made_once_and_come_as_files(tmp_path):
    command = ["sh", str(ROOT / "deploy" / "secrets.sh"), str(tmp_path / "secrets")]
    subprocess.run(command, check=True, capture_output=True)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(command, check=True, capture_output=True)
    assert first == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert first["database_password"] in first["database_url"] and len(first["database_password"]) == 48
    wanted = {Path(secret["file"]).name for secret in yaml.safe_load(COMPOSE)["secrets"].values()}
    wanted |= {Path(file).name for file in KUSTOMIZATION["secretGenerator"][0]["files"]}
    assert wanted == set(first)
    environments = [e for s in yaml.safe_load(COMPOSE)["services"].values() for e in s.get("environment", {})]
    environments += [e["name"] for _, pod in pods() for c in pod["containers"] for e in c.get("env", [])]
    secret = [name for name in environments if "PASSWORD" in name or "SECRET" in name or "DATABASE_URL" in name]
    assert secret and all(name.endswith("_FILE") for name in secret)
