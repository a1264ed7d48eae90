"""A search as a good engineer writes it in an afternoon, from Ray Tune's own parts.

The other side of `against_plain_tune.py`, which runs it. By itself it prints its best
validation AUROC:

    python benchmarks/plain_tune.py --trials 2 --epochs 2 --classes 0,1

OptunaSearch, ASHA, Ray's callback for MLflow, one trial a process and a report an epoch. A trial
trains one detector for each normal class with the usual step of `public_step.py`. Images and their
split are those of `memgan search`.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from search_beside import GRACE_EPOCHS, REDUCTION_FACTOR, add_arguments

_SETTINGS = {
    # Else Ray writes a token into the user's home, where it holds for other clusters too.
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    # Only on this machine, and no word to the outside.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def main() -> None:
    """Search in the current folder; the last line printed is JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    chosen = parser.parse_args()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    ray.init(num_cpus=len(os.sched_getaffinity(0)), include_dashboard=False)
    trial = tune.with_parameters(_train, classes=chosen.classes, epochs=chosen.epochs)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={
            "learning_rate": tune.loguniform(2e-3, 2e-2),
            "memory_units": tune.choice([10, 20, 40, 80]),
            "memory_dim": tune.choice([8, 16, 24, 32]),
        },
        tune_config=tune.TuneConfig(
            metric="val_auroc",
            mode="max",
            num_samples=chosen.trials,
            search_alg=OptunaSearch(seed=chosen.seed),
            scheduler=ASHAScheduler(
                max_t=chosen.epochs,
                grace_period=min(GRACE_EPOCHS, chosen.epochs),
                reduction_factor=REDUCTION_FACTOR,
            ),
        ),
        run_config=tune.RunConfig(
            storage_path=str(Path("ray").absolute()),
            callbacks=[
                MLflowLoggerCallback(tracking_uri="sqlite:///mlflow.db", experiment_name="plain")
            ],
        ),
    )
    started = time.perf_counter()
    results = tuner.fit()
    seconds = time.perf_counter() - started
    found = {
        "best_val_auroc": results.get_best_result().metrics["val_auroc"],
        "search_seconds": seconds,
        "trials": len(results),
        "failed": results.num_errors,
        "epochs_trained": sum(len(result.metrics_dataframe) for result in results),
    }
    print(json.dumps(found))


def _train(config: dict[str, Any], classes: str, epochs: int) -> None:
    import torch
    from public_step import PublicMemgan
    from ray import tune
    from sklearn.metrics import roc_auc_score

    from memgan.config import DataConfig, MemganParameters
    from memgan.data import load_split

    torch.set_num_threads(1)
    torch.manual_seed(0)
    parameters = MemganParameters(width=8, batch_size=32, **config)
    split = load_split(DataConfig(source="digits"))
    train, validation = split.development.train, split.development.validation
    models = {
        name: PublicMemgan(parameters, train.image_shape, torch.device("cpu"))
        for name in (split.normal_classes if classes == "all" else classes.split(","))
    }
    for _ in range(epochs):
        figures = []
        for name, model in models.items():
            model.fit_epoch(train.of_class(name))
            scores = model.score(validation.images)
            figures.append(roc_auc_score(validation.anomalous(name), scores))
        tune.report({"val_auroc": sum(figures) / len(figures)})


if __name__ == "__main__":
    main()
