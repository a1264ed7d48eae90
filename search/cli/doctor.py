"""What works on this machine, and what to do about what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memgan.config import DataConfig
from memgan.errors import MemganError, PreflightFailed
from memgan.machine import machine, machine_share, versions
from search.results import why_no_room
from tracking.address import as_address, is_address, local_folder, one_line, redact


@dataclass(frozen=True)
class Finding:
    """One thing that was tried."""

    what: str
    works: bool
    line: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


def examine(
    results: Path | str, tracking_uri: str | None, address: str | None, data_dir: Path | None
) -> list[Finding]:
    """Try versions, device, results folder, tracking, Ray and data, each by really using it."""
    checks: dict[str, Callable[[], str]] = {
        "versions": lambda: ", ".join(f"{name} {v}" for name, v in versions().items()),
        "machine": machine,
        "usable": lambda: machine_share().describe(),
        "device": _device,
        "results": lambda: _writable(results),
        "tracking": lambda: _tracking(results, tracking_uri),
        "ray": lambda: _ray(address, results),
        "data": lambda: _data(data_dir),
        "backbones": _backbones,
    }
    return [*(_try(what, check) for what, check in checks.items()), *_plugins()]


def _try(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except MemganError as error:
        return Finding(what, False, str(error))
    except Exception as error:
        return Finding(what, False, f"{type(error).__name__}: {one_line(error)}")


def _device() -> str:
    import torch

    if not torch.cuda.is_available():
        return "cpu (torch finds no CUDA device)"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"cuda: {', '.join(names)}"


def _writable(results: Path | str) -> str:
    import tempfile

    from memgan.errors import StudyError

    if is_address(results):
        return _writable_address(as_address(results))
    existing = _existing(results)
    if reason := why_no_room(existing):
        raise StudyError(reason)
    try:
        with tempfile.TemporaryFile(dir=existing):
            return f"{results} can be written"
    except OSError as error:
        raise StudyError(
            f"{existing} cannot be written ({error.strerror}); give another with --results"
        ) from None


def _writable_address(address: str) -> str:
    from memgan.errors import StudyError
    from search.results import Storage

    storage = Storage.at(address)
    try:
        storage.must_be_writable()
    except OSError as error:
        raise StudyError(
            f"{redact(address)} cannot be written ({one_line(error)}); give another with --results"
        ) from None
    return f"{redact(address)} can be written"


def _existing(results: Path | str) -> Path:
    """The results folder, or the nearest one above it that there is."""
    wanted = local_folder(results).absolute()
    return next(folder for folder in (wanted, *wanted.parents) if folder.exists())


def _tracking(results: Path | str, tracking_uri: str | None) -> str:
    import tempfile

    from tracking import resolve, start_writer
    from tracking.address import sqlite_file

    location = resolve(tracking_uri, results)
    file = sqlite_file(location.uri)
    if file is not None and not file.exists():
        return f"{redact(location.uri)} will be made by the first study"
    with tempfile.TemporaryDirectory() as folder:
        writer = start_writer(
            Path(folder) / "outbox.db", location.uri, "memgan-doctor", location.artifact_root
        )
        try:
            writer.wait_ready(60)
        finally:
            writer.drain(5)
    return f"{redact(location.uri)} answers"


def _ray(address: str | None, results: Path | str) -> str:
    from search.ray import connect, is_own, node_faults
    from search.results import Storage

    with connect(address) as available:
        if not is_own(address):
            shared = as_address(results) if is_address(results) else _existing(results)
            if faults := node_faults(Storage.at(shared)):
                raise PreflightFailed(faults)
        return f"{available.get('CPU', 0):g} CPU, {available.get('GPU', 0):g} GPU"


def _plugins() -> list[Finding]:
    from search.cli.plugin_states import plugin_states

    return [
        Finding(f"plug-in {one.name}", one.fault is None, one.fault or f"{one.kind}, {one.package}")
        for one in plugin_states()
    ]


def _backbones() -> str:
    from memgan.features import backbone_states

    return "; ".join(f"{name} {state}" for name, state in backbone_states().items())


def _data(data_dir: Path | None) -> str:
    from memgan.data import SOURCES, availability

    config = DataConfig(dir=data_dir)
    return ", ".join(f"{name} {availability(name, config)}" for name in SOURCES)
