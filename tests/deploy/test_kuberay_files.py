"""The files for Kubernetes: what can be known of them without a cluster.

Their keys are held to lists of what was checked against KubeRay's published schema. With that
schema (KUBERAY_CRDS, see tests/support/kubernetes_schema.py) they are validated against it whole.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_schema import key_paths, pod_schema, schema_of
from parsed import parsed

from search.stopping import SECONDS_TO_END
from search.study import Study

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kuberay"
KEYS = Path(__file__).with_name("kubernetes_keys.txt")
FILES = ("rayjob.yaml", "scheduled.yaml", "mlflow.yaml")
_SECONDS_TO_DELIVER = 60


def _objects(file: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((FOLDER / file).read_text()) if each]


def _one(file: str, kind: str, name: str | None = None) -> dict[str, Any]:
    (found,) = [
        each
        for each in _objects(file)
        if each["kind"] == kind and name in (None, each["metadata"]["name"])
    ]
    return found


def _job(file: str) -> dict[str, Any]:
    """The specification of a RayJob, by itself or as the template of a schedule."""
    if file == "scheduled.yaml":
        found: dict[str, Any] = _one(file, "RayCronJob")["spec"]["jobTemplate"]
    else:
        found = _one(file, "RayJob")["spec"]
    return found


jobs = pytest.mark.parametrize("file", ["rayjob.yaml", "scheduled.yaml"])


def _paths() -> set[str]:
    """All keys of all files, each behind its object's kind; keys that users choose are left out."""
    free = (".labels.", ".matchLabels.", ".annotations.", ".nodeSelector.", ".selector.app",
            ".requests.", ".limits.", ".rayStartParams.")  # fmt: skip
    return {
        f"{each['apiVersion']} {each['kind']} {path}"
        for file in FILES
        for each in _objects(file)
        for path in key_paths(each)
        if not any(word in f"{path}." for word in free)
        and not (each["kind"] == "ConfigMap" and path.startswith("data."))
    }


def test_no_key_is_misspelt() -> None:
    assert _paths() == set(KEYS.read_text().splitlines()), (
        "validate the files against KubeRay's schema (KUBERAY_CRDS), then write the keys down"
    )


@pytest.fixture(scope="module")
def crds() -> Path:
    folder = os.environ.get("KUBERAY_CRDS")
    if not folder:
        pytest.skip("KUBERAY_CRDS names no folder with KubeRay's schema")
    return Path(folder)


@jobs
def test_passes_kuberays_schema(file: str, crds: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    (found,) = [each for each in _objects(file) if each["apiVersion"] == "ray.io/v1"]
    schema = schema_of(crds, found["kind"])
    jsonschema.validate(found, schema)
    spec = found["spec"].get("jobTemplate", found["spec"])["rayClusterSpec"]["headGroupSpec"]
    spec["template"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(jsonschema.ValidationError, match="volumeMount"):
        jsonschema.validate(found, schema)


def test_pods_beside_it_pass_the_same_schema_of_pods(crds: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for kind in ("Deployment", "StatefulSet"):
        template = _one("mlflow.yaml", kind)["spec"]["template"]
        jsonschema.validate(template, pod_schema(crds))


@jobs
def test_the_command_can_be_repeated_and_keeps_its_results_elsewhere(file: str) -> None:
    job = _job(file)
    found = parsed(shlex.split(job["entrypoint"].replace("$(date +%G-%V)", "2026-48")))
    assert found["resume_or_start"]
    assert found["name"]
    assert str(found["results"]).startswith("s3:/")
    assert (found["address"], found["wait_for"], found["wait_at_most"]) == ("auto", "GPU=1", "1h")
    assert job["backoffLimit"] > 0
    assert job["shutdownAfterJobFinishes"] is True


def test_every_week_has_a_study_of_its_own() -> None:
    shown = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {_job('scheduled.yaml')['entrypoint']}"],
        capture_output=True,
        text=True,
        check=True,
    )
    name = str(parsed(shown.stdout.split())["name"])
    assert name.startswith("weekly-20")


def test_the_study_that_comes_along_is_one(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(_one("rayjob.yaml", "ConfigMap")["data"]["study.yaml"])
    assert Study.from_yaml(file, {"name": "mnist-1"}).budget.trials == 60


@jobs
def test_ray_is_the_pinned_one_and_wants_a_token(file: str) -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    cluster = _job(file)["rayClusterSpec"]
    assert f"ray=={cluster['rayVersion']}" in pins["constraint-dependencies"]
    assert cluster["authOptions"] == {"mode": "token"}


@jobs
def test_the_head_runs_no_trials_and_stays_where_it_is(file: str) -> None:
    head = _job(file)["rayClusterSpec"]["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    template = head["template"]
    annotations = template["metadata"]["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    (container,) = template["spec"]["containers"]
    assert container["resources"]["requests"] == container["resources"]["limits"]
    budget = _one("rayjob.yaml", "PodDisruptionBudget")["spec"]
    assert budget["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


@jobs
def test_the_search_is_stopped_in_order_before_ray_ends(file: str) -> None:
    spec = _job(file)["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > SECONDS_TO_END + _SECONDS_TO_DELIVER
    (*shell, script) = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert shell == ["sh", "-c"]
    assert script.startswith("pkill -TERM -f '[m]emgan search'")
    subprocess.run(["sh", "-n", "-c", script], check=True)


@jobs
def test_gpu_workers_are_spot_and_begin_at_none(file: str) -> None:
    (group,) = _job(file)["rayClusterSpec"]["workerGroupSpecs"]
    assert (group["minReplicas"], group["replicas"]) == (0, 0)
    spec = group["template"]["spec"]
    assert spec["nodeSelector"] == {"cloud.google.com/gke-spot": "true"}
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


@jobs
def test_every_pod_of_ray_has_shared_memory_and_no_root(file: str) -> None:
    cluster = _job(file)["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        spec = group["template"]["spec"]
        mounts = {m["mountPath"]: m["name"] for m in spec["containers"][0]["volumeMounts"]}
        (shm,) = [v for v in spec["volumes"] if v["name"] == mounts["/dev/shm"]]
        assert shm["emptyDir"]["medium"] == "Memory"
        assert spec["securityContext"]["runAsNonRoot"] is True


def test_the_scheduled_ray_is_the_other_ones() -> None:
    assert _job("scheduled.yaml")["rayClusterSpec"] == _job("rayjob.yaml")["rayClusterSpec"]


def test_the_record_has_passwords_a_database_and_a_place_for_artifacts(tmp_path: Path) -> None:
    script = _one("mlflow.yaml", "ConfigMap")["data"]["start.sh"]
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mlflow").write_text(
        '#!/bin/sh\necho "$@"; echo "$MLFLOW_BACKEND_STORE_URI"; cat "$MLFLOW_AUTH_CONFIG_PATH"\n'
    )
    (programs / "mlflow").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script.replace("/tmp/", f"{tmp_path}/")],
        env={
            "PATH": f"{programs}:{os.environ['PATH']}",
            "POSTGRES_PASSWORD": "dbword",
            "ADMIN_USERNAME": "admin",
            "ADMIN_PASSWORD": "adminword",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    command, store, *users = done.stdout.splitlines()
    assert "--app-name basic-auth" in command
    assert "--artifacts-destination s3://" in command
    assert "word" not in command, "a command line can be read by everybody"
    assert store == "postgresql://mlflow:dbword@memgan-postgres:5432/mlflow"
    assert "default_permission = NO_PERMISSIONS" in users


def test_the_search_finds_the_record_with_a_secret() -> None:
    head = _job("rayjob.yaml")["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    variables = {each["name"]: each for each in head["containers"][0]["env"]}
    service = _one("mlflow.yaml", "Service", "memgan-mlflow")
    port = service["spec"]["ports"][0]["port"]
    assert variables["MLFLOW_TRACKING_URI"]["value"] == f"http://memgan-mlflow:{port}"
    server = _one("mlflow.yaml", "Deployment")["spec"]["template"]["spec"]["containers"][0]
    secrets = {e["name"]: e["valueFrom"] for e in server["env"] if "valueFrom" in e}
    assert variables["MLFLOW_TRACKING_PASSWORD"]["valueFrom"] == secrets["ADMIN_PASSWORD"]
