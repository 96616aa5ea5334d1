"""`k8s/`: what the code says, whole, and allowing what it is meant to allow."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import codecs

from rayingest.launch.rules import broken

from . import argo
from .conftest import pods
from .podsecurity import breaches

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
FOLDERS = sorted(each.parent for each in K8S.rglob("kustomization.yaml"))
FILES = sorted(
    each for each in K8S.rglob("*") if each.is_file() and each.suffix in (".yaml", ".json")
)
OVERLAYS = ["base", "sample", "overlays/kind", "overlays/production"]
Json = dict[str, Any]


def ids(path: Path) -> str:
    return str(path.relative_to(K8S))


def documents(path: Path) -> list[Json]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


@pytest.fixture(scope="module")
def render() -> Any:
    """The program that writes the files, as a module."""
    spec = importlib.util.spec_from_file_location("render", K8S / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- whole


def test_the_files_are_what_the_code_says(render: Any) -> None:
    texts = render.generated()
    stale = [name for name, text in texts.items() if (K8S / name).read_text("utf-8") != text]
    assert not stale, f"run `python3 dev.py k8s`: {stale}"
    by_hand = {ids(each) for each in FILES} - set(texts)
    assert by_hand == {
        "sample/config.yaml",
        "overlays/kind/shop.yaml",
        "overlays/production/config.yaml",
    }


def named(folder: Path) -> Iterator[str]:
    """All that a kustomization names."""
    (made,) = documents(folder / "kustomization.yaml")
    yield from made.get("resources", [])
    yield from made.get("components", [])
    yield from (each["path"] for each in made.get("patches", []))
    for kind in ("secretGenerator", "configMapGenerator"):
        yield from (name for each in made.get(kind, []) for name in each.get("files", []))


@pytest.mark.parametrize("folder", FOLDERS, ids=ids)
def test_a_kustomization_names_what_is_there_and_all_of_it(folder: Path) -> None:
    names = list(named(folder))
    places = {(folder / each).resolve() for each in names}
    assert len(places) == len(names)
    for each in places:
        assert each.is_file() or (each / "kustomization.yaml").is_file(), each
    there = {each for each in folder.iterdir() if each.suffix in (".yaml", ".json")}
    assert there - places == {folder / "kustomization.yaml"}


def built(folder: str) -> list[Json]:
    """What kustomize makes of a folder."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl, which brings kustomize")
    done = subprocess.run(
        ["kubectl", "kustomize", str(K8S / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("folder", OVERLAYS)
def test_kustomize_builds_it_and_kubernetes_knows_every_field(folder: str) -> None:
    """Kubernetes' own kinds are judged by their models; KubeRay's and Argo's are in test_argo.py."""
    made = built(folder)
    assert made
    for each in made:
        if "." not in each["apiVersion"] or each["apiVersion"].partition("/")[0].endswith("k8s.io"):
            assert codecs.from_dict(each).to_dict() == each, each["kind"]
        assert each["metadata"].get("namespace", "rayingest") == "rayingest"
        for subject in each.get("subjects", []):
            assert subject["namespace"] == "rayingest"


def test_production_has_a_template_with_its_own_config() -> None:
    made = {(each["kind"], each["metadata"]["name"]): each for each in built("overlays/production")}
    template = made["WorkflowTemplate", "rayingest-run"]
    (patch,) = documents(K8S / "overlays" / "production" / "run.yaml")
    assert template["spec"] == patch["spec"], "nothing of the base's is left"
    applied = argo.resource(template)
    assert broken(applied) == []
    assert applied["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "rayingest"
    assert applied["spec"]["submissionMode"] == "HTTPMode", "the state URL keeps report and log"
    names = {volume["name"] for pod in pods(applied).values() for volume in pod["volumes"]}
    assert names == {"config"}
    parameters = {
        each["name"]: each["value"] for each in template["spec"]["arguments"]["parameters"]
    }
    assert ("Secret", parameters["config-secret"]) in made
    assert ("ServiceAccount", pods(applied)["head"]["serviceAccountName"]) in made
    night = made["CronWorkflow", "rayingest-nightly"]["spec"]["workflowSpec"]
    assert ("WorkflowTemplate", night["workflowTemplateRef"]["name"]) in made


def test_the_sample_finds_all_that_it_mounts_on_a_laptop() -> None:
    made = {
        (each["kind"], each["metadata"]["name"]): each
        for each in built("overlays/kind") + built("sample")
    }
    job = made["RayJob", "sample"]
    assert broken(job) == []
    assert job["spec"]["rayClusterSpec"]["enableInTreeAutoscaling"] is False
    for pod in (pods(job)["head"], pods(job)["worker"]):
        for volume in pod["volumes"]:
            secret, claim = volume.get("secret"), volume.get("persistentVolumeClaim")
            assert not secret or ("Secret", secret["secretName"]) in made
            assert not claim or ("PersistentVolumeClaim", claim["claimName"]) in made
        for each in pod["containers"][0]["envFrom"]:
            assert ("Secret", each["secretRef"]["name"]) in made
    (namespace,) = (each for (kind, _), each in made.items() if kind == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    shop = made["Pod", "shop"]["spec"]
    assert [*breaches(shop)] == []


def test_every_pod_that_is_shipped_may_run_in_a_restricted_namespace() -> None:
    for path in (each for each in FILES if each.suffix == ".yaml"):
        for each in documents(path):
            found: dict[str, Json] = {}
            if each.get("kind") == "RayJob":
                found = pods(each)
            elif each.get("kind") == "WorkflowTemplate":
                found = dict(argo.pods(each))
                if each["metadata"]["name"] == "rayingest-run":
                    found |= pods(argo.resource(each))
            assert [breach for spec in found.values() for breach in breaches(spec)] == []


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_images_are_nobodys(path: Path) -> None:
    images = re.findall(r"\bimage: *['\"]?([^\s'\"]+)", path.read_text("utf-8"))
    allowed = r"registry\.example\.com/rayingest:\d+\.\d+\.\d+|\{\{workflow|postgres:17"
    assert [each for each in images if not re.match(allowed, each)] == []
