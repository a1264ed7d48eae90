"""A whole `memgan search`, as a user runs it: wall time, CPU time, trials an hour, its figures.

    python benchmarks/whole_search.py -- configs/studies/digits.yaml
    python benchmarks/whole_search.py --out FILE -- configs/studies/mnist.yaml --trials 8

What follows `--` goes to `memgan search`. Results and record lie in a folder of their own, which is
removed. CPU time is that of all processes, the record's writer included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from _processes import Cost
from _setting import check_out, write

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/whole-search.json")
    parser.add_argument("search", nargs="*", metavar="ARGUMENT", help="Of memgan search.")
    chosen = parser.parse_args()
    check_out(chosen.out)
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    arguments = [
        str(Path(word).resolve()) if Path(word).is_file() else word for word in chosen.search
    ]
    with tempfile.TemporaryDirectory() as folder:
        cost = Cost(
            [
                sys.executable,
                *("-c", "from search.cli import main; main()", "search", "--json"),
                *arguments,
            ],
            environment={**_own_environment(), "PYTHONPATH": paths},
            cwd=folder,
            stdout=subprocess.PIPE,
        )
    if cost.ended.returncode:
        sys.exit(cost.ended.returncode)
    document = json.loads(cost.ended.stdout)
    trials = sum(document["trials"].values())
    figures = {
        "search": chosen.search,
        "wall_seconds": cost.wall_seconds,
        "cpu_seconds": cost.cpu_seconds,
        "trials_an_hour": 3600 * trials / cost.wall_seconds,
        "document": document,
    }
    device = "cuda" if torch.cuda.is_available() else "cpu"
    write(chosen.out, "whole_search", device, figures)
    print({key: figures[key] for key in ("wall_seconds", "cpu_seconds", "trials_an_hour")})
    print(f"wrote {chosen.out}")


def _own_environment() -> dict[str, str]:
    """Without a record and a cluster of the user's own, which are no part of this."""
    left_out = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    return {key: value for key, value in os.environ.items() if key not in left_out}


if __name__ == "__main__":
    main()
