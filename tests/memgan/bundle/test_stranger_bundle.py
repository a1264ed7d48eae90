"""A bundle from a stranger can do no more than give wrong scores.

That pickles and tags never run is in test_bundle, what ONNX models may hold in test_onnx. Here:
files that lead out, and files that would take all memory.
"""

from __future__ import annotations

import ast
import contextlib
import json
import resource
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from memgan.bundle.bundle import load_bundle
from memgan.config.typed import read_yaml
from memgan.errors import BundleError, ConfigError

_ROOM = 600 * 2**20
"""Bytes that all refusals together may take beyond what Python and torch take to start."""
_LOAD = """
import resource, sys
import onnxruntime, torch
from memgan.bundle.bundle import load_bundle
from memgan.errors import BundleError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for line in sys.stdin:
    backend, _, bundle = line.rstrip().partition(" ")
    try:
        load_bundle(bundle, device="cpu", backend=backend)
        said = "it was loaded"
    except BundleError as error:
        said = f"refused: {error}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(grown, repr(said), flush=True)
"""


@pytest.fixture(scope="module")
def loader() -> Iterator[subprocess.Popen[str]]:
    """A process that loads each bundle it is given: its start costs more than all refusals."""
    with subprocess.Popen(
        [sys.executable, "-c", _LOAD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
    ) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]


@pytest.fixture
def refused(loader: subprocess.Popen[str]) -> Callable[..., str]:
    """(bundle, backend) -> the line of the refusal, seen to cost little memory in a process."""

    def load(bundle: Path, backend: str = "torch") -> str:
        assert loader.stdin is not None
        assert loader.stdout is not None
        print(backend, bundle, file=loader.stdin, flush=True)
        kilobytes, _, told = loader.stdout.readline().strip().partition(" ")
        assert told, "the process ended"
        said: str = ast.literal_eval(told)
        verdict, _, line = said.partition(": ")
        assert verdict == "refused", said
        assert "\n" not in line
        assert int(kilobytes) * 1024 < _ROOM
        return line

    return load


def change(bundle: Path, **values: object) -> None:
    config = yaml.safe_load((bundle / "config.yaml").read_text())
    parameters = config["parameters"]
    for key, value in values.items():
        (parameters if key in parameters else config)[key] = value
    (bundle / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.parametrize(
    "values",
    [
        {"width": 10**9},
        {"memory_units": 10**12, "memory_dim": 10**6},
        {"memory_dim": 10**9},
        {"image_shape": [1, 10**6, 10**6]},
        {"image_shape": [10**9, 8, 8]},
    ],
    ids=lambda values: ", ".join(values),
)
def test_sizes_that_no_machine_has_room_for_take_no_memory(
    bundle: Path, values: dict[str, object], refused: Callable[..., str]
) -> None:
    change(bundle, **values)
    assert str(bundle) in refused(bundle)


def test_a_header_that_claims_a_hundred_gigabytes_is_no_weights(
    bundle: Path, refused: Callable[..., str]
) -> None:
    (bundle / "weights.safetensors").write_bytes(struct.pack("<Q", 100 * 2**30) + b"{}")
    assert "weights.safetensors" in refused(bundle)


def test_tensors_that_claim_more_than_the_file_holds_are_no_weights(
    bundle: Path, refused: Callable[..., str]
) -> None:
    claimed = {"x": {"dtype": "F32", "shape": [10**11], "data_offsets": [0, 4 * 10**11]}}
    header = json.dumps(claimed).encode()
    (bundle / "weights.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "weights.safetensors" in refused(bundle)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "model.onnx", "config.yaml", "calibration.json"]
)
def test_a_file_of_terabytes_is_not_read(
    bundle: Path, name: str, refused: Callable[..., str]
) -> None:
    with (bundle / name).open("r+b") as file:
        file.truncate(2**41)  # sparse: it takes no room on the disk
    backend = "onnx" if name == "model.onnx" else "torch"
    assert f"{name} is larger than any of ours" in refused(bundle, backend)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "model.onnx", "config.yaml", "calibration.json"]
)
@pytest.mark.parametrize("lead", ["absolute", "relative"])
def test_a_link_out_of_the_bundle_is_not_followed(
    bundle: Path, tmp_path: Path, name: str, lead: str
) -> None:
    outside = tmp_path / "secret"
    (bundle / name).rename(outside)
    (bundle / name).symlink_to(outside if lead == "absolute" else Path("..") / outside.name)
    backend = "onnx" if name == "model.onnx" else "torch"
    with pytest.raises(BundleError, match="leads out of the bundle"):
        load_bundle(bundle, device="cpu", backend=backend)


@pytest.mark.parametrize(
    "content",
    [
        '{"normal_scores": [NaN]}',
        '{"normal_scores": [Infinity, 1.0]}',
        '{"normal_scores": [1e999]}',
        '{"normal_scores": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"normal_scores": [1.0], "false_alarm_rate": 5}',
    ],
    ids=["nan", "infinity", "overflow", "deep", "rate"],
)
def test_a_calibration_that_is_none_is_one_line(bundle: Path, content: str) -> None:
    (bundle / "calibration.json").write_text(content)
    with pytest.raises(BundleError, match=r"calibration\.json") as caught:
        load_bundle(bundle, device="cpu")
    assert len(str(caught.value).splitlines()) == 1


def test_a_class_named_like_a_path_writes_nowhere(bundle: Path, tmp_path: Path) -> None:
    change(bundle, normal_class="../../x", seed=0)
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(BundleError):
        load_bundle(bundle, device="cpu")
    assert sorted(tmp_path.rglob("*")) == before


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "content",
    [
        _laughs(12),
        "a: &a [*a]",
        "a: !!python/object/apply:os.system [touch x]",
        "[" * 20_000,
        "a: " + "1" * 10_000,
        "? {a: 1}\n: 2",
    ],
    ids=["laughs", "circle", "tag", "deep", "long number", "mapping as key"],
)
@pytest.mark.parametrize("reader", ["study", "bundle"])
def test_yaml_that_would_run_or_swell_is_one_line(
    content: str, reader: str, bundle: Path, tmp_path: Path
) -> None:
    read: dict[str, Callable[[], object]] = {
        "study": lambda: read_yaml(tmp_path / "study.yaml"),
        "bundle": lambda: load_bundle(bundle, device="cpu"),
    }
    (tmp_path / "study.yaml").write_text(content)
    (bundle / "config.yaml").write_text(content)
    with pytest.raises((BundleError, ConfigError)) as caught:
        read[reader]()
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 3000
