"""KubeRay's published schema, and through it that of Kubernetes's pods, with unknown keys refused.

The schema is not part of this repository: KUBERAY_CRDS names a folder with `ray.io_rayjobs.yaml`
and `ray.io_raycronjobs.yaml`, which lie in helm-chart/kuberay-operator/crds of its repository.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as Kubernetes writes them, with no key allowed that it does not name."""
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: strict(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, Mapping):
            found[key] = strict(value)
        elif not key.startswith("x-") and key not in ("description", "format", "default"):
            found[key] = value
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    loose = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in found
    if "properties" in found and not loose:
        found["additionalProperties"] = False
    return found


@functools.cache
def schema_of(folder: Path, kind: str) -> dict[str, Any]:
    """The strict schema of a RayJob or a RayCronJob."""
    file = folder / f"ray.io_{kind.lower()}s.yaml"
    definition = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    (version,) = [v for v in definition["spec"]["versions"] if v["name"] == "v1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def pod_schema(folder: Path) -> dict[str, Any]:
    """The strict schema of a pod's template, as KubeRay repeats it from Kubernetes."""
    spec = schema_of(folder, "RayJob")["properties"]["spec"]["properties"]
    head = spec["rayClusterSpec"]["properties"]["headGroupSpec"]["properties"]
    template: dict[str, Any] = head["template"]
    return template


def key_paths(content: Any, above: str = "") -> Iterator[str]:
    """Every key of a document with those above it, such as spec.containers[].image."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            path = f"{above}.{key}" if above else str(key)
            yield path
            yield from key_paths(value, path)
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for value in content:
            yield from key_paths(value, f"{above}[]")
