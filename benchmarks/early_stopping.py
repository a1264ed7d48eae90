"""What early stopping saves and what it costs: the same study with a scheduler and without.

Whole studies through `search.run`, several seeds of each, the sampler and the budget the same:

    python benchmarks/early_stopping.py digits --out benchmarks/results/early-stopping-digits.json
    python benchmarks/early_stopping.py mnist --data-dir DIR

"seconds" are those of only the trials, without finals; "epochs" are all that trials trained, of
trials × epochs that there could be; "validation" and "test" are the winner's mean AUROC in percent.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from memgan.files import begins_with, check_output
from memgan.machine import machine, versions
from memgan.stats import OverSeeds
from search import Study, run
from search.journal import read_groups

SCHEDULERS: dict[str, dict[str, Any]] = {
    "none": {"name": "none"},
    "asha": {"name": "asha", "grace_epochs": 2, "reduction_factor": 3},
    "hyperband": {"name": "hyperband"},
    "median": {"name": "median"},
}
STUDIES: dict[str, dict[str, Any]] = {
    "digits": {
        "data": {"source": "digits"},
        "fixed": {"epochs": 27, "batch_size": 32},
        "space": {
            "learning_rate": {"low": 3e-4, "high": 1e-2, "log": True},
            "memory_units": [10, 20, 40],
            "memory_dim": {"low": 8, "high": 32, "step": 8},
        },
        "budget": {"trials": 12},
    },
    "mnist": {
        "data": {"source": "mnist"},
        "normal_class": ["2", "8"],
        "fixed": {"epochs": 6, "width": 8},
        "space": {
            "learning_rate": {"low": 1e-4, "high": 3e-3, "log": True},
            "memory_units": [25, 50, 100],
            "memory_dim": {"low": 16, "high": 64, "step": 16},
        },
        "budget": {"trials": 9},
    },
}


def measure(study: Study) -> dict[str, Any]:
    """One study from its beginning to its end."""
    with tempfile.TemporaryDirectory() as results:
        result = run(study, results=Path(results), note=print)
        assert result.report is not None
        outcomes = [o for group in read_groups(result.folder.journal).values() for o in group]
        return {
            "seconds": round(result.folder.seconds_used(), 1),
            "trials": result.trials,
            "epochs": sum(outcome.epochs for outcome in outcomes),
            "epochs_at_most": study.epochs * study.budget.trials,
            "validation": round(100 * (result.report.mean.val_auroc or 0.0), 2),
            "test": round(100 * (result.report.mean.test_auroc_mean or 0.0), 2),
        }


def _study(images: str, scheduler: str, seed: int, data_dir: str | None) -> Study:
    content = STUDIES[images]
    return Study.model_validate(
        {
            **content,
            "name": f"{scheduler}-{seed}",
            "data": {**content["data"], **({"dir": data_dir} if data_dir else {})},
            "scheduler": SCHEDULERS[scheduler],
            "final": {"seeds": 1},
            "seed": seed,
        }
    )


def _spread(values: list[float]) -> str:
    found = OverSeeds.of(values)
    return f"{found.mean:.2f} ± {found.sd or 0:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", choices=STUDIES)
    parser.add_argument("--schedulers", nargs="+", default=["none", "asha"], choices=SCHEDULERS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out:
        check_output(options.out, begins_with('{\n "images"'))
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in options.schedulers}
    # Seed by seed, so that whatever else the machine does falls on all alike.
    for seed in range(options.seeds):
        for name in options.schedulers:
            row = measure(_study(options.images, name, seed, options.data_dir))
            found[name].append({"seed": seed, **row})
            print(name, found[name][-1], flush=True)
    summary = {
        name: {
            "seconds": _spread([row["seconds"] for row in rows]),
            "share_of_epochs": _spread([row["epochs"] / row["epochs_at_most"] for row in rows]),
            "validation": _spread([row["validation"] for row in rows]),
            "test": _spread([row["test"] for row in rows]),
        }
        for name, rows in found.items()
    }
    document = {
        "images": options.images,
        "summary": summary,
        "studies": found,
        "machine": machine(),
        "versions": versions(),
        "command": f"python benchmarks/early_stopping.py {options.images} --seeds {options.seeds}"
        f" --schedulers {' '.join(options.schedulers)}"
        f"{' --data-dir DIR' if options.data_dir else ''}",
    }
    print(json.dumps(summary, indent=1))
    if options.out:
        options.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
