"""What every benchmark writes beside its figures: machine, versions, load, command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import torch

from memgan.files import begins_with, check_output
from memgan.machine import machine, versions

BEGINS = '{\n "benchmark"'


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
