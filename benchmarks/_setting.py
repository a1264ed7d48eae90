"""What benchmarks share: what is trained, and what stands beside the figures (machine, versions,
load, command)."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

from memgan.config import Configuration, parse, read_yaml
from memgan.files import begins_with, check_output
from memgan.machine import machine, resolve_device, versions

ROOT = Path(__file__).resolve().parents[1]
BEGINS = '{\n "benchmark"'


def training_options(doc: str, out: str) -> argparse.ArgumentParser:
    """The options of a benchmark that trains a configuration; `doc` is its module's, `out` the file
    under benchmarks/results that it writes."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--configuration", type=Path, default=ROOT / "configs/mnist/memgan.yaml")
    parser.add_argument("--source", default="mnist")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results" / out)
    return parser


def chosen_configuration(
    chosen: argparse.Namespace, **runtime: Any
) -> tuple[Configuration, torch.device]:
    """The configuration that the options of `training_options` name, on one thread, and its
    device."""
    device = resolve_device(chosen.device)
    content = read_yaml(chosen.configuration)
    content["data"] = {"source": chosen.source, "dir": chosen.data_dir}
    content["runtime"] = {"device": device.type, "threads": 1, **runtime}
    if chosen.epochs:
        content["parameters"]["epochs"] = chosen.epochs
    return parse(Configuration, content, str(chosen.configuration)), device


def device_name(device: str) -> str:
    """The GPU's name, or the processor's line."""
    return torch.cuda.get_device_name(0) if device == "cuda" else machine()


def driver() -> str | None:
    """The version of NVIDIA's driver, where there is one."""
    if shutil.which("nvidia-smi") is None:
        return None
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.split("\n")[0].strip() or None


def check_out(out: Path) -> None:
    """Refuse to write over a file that no benchmark wrote."""
    check_output(out, begins_with(BEGINS))


def write(out: Path, name: str, device: str, figures: dict[str, Any]) -> None:
    """Write one benchmark's figures with what they were measured on.

    The file is whole at any moment, so a benchmark may write after each of its rows, and what it
    has measured stays if it is cut off.
    """
    document = {
        "benchmark": name,
        "command": " ".join(["python", *sys.argv]),
        "date": str(date.today()),
        "device": device_name(device),
        "machine": machine(),
        "cuda": torch.version.cuda if device == "cuda" else None,
        "driver": driver() if device == "cuda" else None,
        "load": os.getloadavg()[0],
        "versions": versions(),
        **figures,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(out)
