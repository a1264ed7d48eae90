"""`memgan search` beside what a good engineer writes in an afternoon with Ray Tune.

    python benchmarks/against_plain_tune.py
    python benchmarks/against_plain_tune.py --trials 2 --epochs 2 --classes 0,1   # to try it

Both search the same space of the same detector on scikit-learn's digits, with the same trials,
epochs, early stopping, seed, images and cores, in processes of their own, in turn. The other side
is `plain_tune.py`. Two ratios are told. That of the whole command is against us: `memgan search`
also trains its winner again with a seed, compares it with simple detectors, exports it and writes a
report. That of only the search is from the first trial to the last. CPU time is of all processes.
The best validation AUROC is that after the last epoch of a trial, on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from _processes import Cost
from _setting import check_out, write
from search_beside import add_arguments, study

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "against-plain-tune.json")
    chosen = parser.parse_args()
    check_out(chosen.out)
    sides = {"plain": _plain, "memgan": _memgan}
    rows: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for number in range(chosen.rounds):
        # Who goes first changes, as a machine may be busier at one time than at another.
        for side in list(sides)[:: 1 if number % 2 == 0 else -1]:
            rows[side].append({"load_before": os.getloadavg()[0], **sides[side](chosen)})
            print(side, rows[side][-1], flush=True)
    figures = {
        "study": study(chosen),
        "cores": len(os.sched_getaffinity(0)),
        "times_as_long": ratios(rows),
        "rows": rows,
    }
    print(figures["times_as_long"])
    write(chosen.out, "against_plain_tune", "cpu", figures)
    print(f"wrote {chosen.out}")


def ratios(rows: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float] | None]:
    """How many times as long plain Tune takes, by what is measured; None where it is not known.

    Of each round first, as a machine may be busier in one than in another; then the median, the
    least and the most.
    """
    found: dict[str, dict[str, float] | None] = {}
    for key in ("wall_seconds", "search_seconds", "cpu_seconds"):
        pairs = [
            (plain[key], memgan[key])
            for plain, memgan in zip(rows["plain"], rows["memgan"], strict=True)
        ]
        if any(None in pair for pair in pairs):
            found[key] = None
            continue
        by_round = [plain / memgan for plain, memgan in pairs]
        found[key] = {
            "median": statistics.median(by_round),
            "least": min(by_round),
            "most": max(by_round),
        }
    return found


def _plain(chosen: argparse.Namespace) -> dict[str, Any]:
    words = [f"--{key}={getattr(chosen, key)}" for key in ("trials", "epochs", "classes", "seed")]
    with tempfile.TemporaryDirectory() as folder:
        cost = _run([sys.executable, str(HERE / "plain_tune.py"), *words], folder)
    return {**_costs(cost), **json.loads(cost.ended.stdout.splitlines()[-1])}


def _memgan(chosen: argparse.Namespace) -> dict[str, Any]:
    from search.journal import read_groups
    from search.results import StudyFolder

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "study.yaml")
        file.write_text(yaml.safe_dump(study(chosen)), encoding="utf-8")
        ours = "from search.cli import main; main()"
        cost = _run([sys.executable, "-c", ours, "search", "--json", str(file)], folder)
        document = json.loads(cost.ended.stdout)
        place = StudyFolder(Path(folder, "results"), "beside")
        epochs = sum(trial.epochs for of in read_groups(place.journal).values() for trial in of)
        searched = place.seconds_used()
    return {
        **_costs(cost),
        "best_val_auroc": document["mean"]["val_auroc"],
        "search_seconds": searched,
        "trials": sum(document["trials"].values()),
        "failed": document["trials"].get("failed", 0),
        "epochs_trained": epochs,
    }


def _run(command: list[str], folder: str) -> Cost:
    # A record and a cluster of the user's own are no part of this.
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")
    }
    cost = Cost(
        command,
        environment={
            **environment,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), *_paths()]),
            "OMP_NUM_THREADS": "1",
        },
        cwd=folder,
        stdout=subprocess.PIPE,
    )
    if cost.ended.returncode:
        sys.exit(f"{' '.join(command)} ended with {cost.ended.returncode}")
    return cost


def _paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _costs(cost: Cost) -> dict[str, Any]:
    return {"wall_seconds": cost.wall_seconds, "cpu_seconds": cost.cpu_seconds}


if __name__ == "__main__":
    main()
