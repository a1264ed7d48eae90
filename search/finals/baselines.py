"""The anchors every result stands beside: PCA and nearest neighbours on the same splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import ConfigDict

from memgan.config import Configuration, Frozen, Runtime
from memgan.data import Split
from memgan.errors import MemganError
from memgan.stats import mean_of_known
from memgan.training import ClassFigures, Figures, class_figures, mean_figures
from search.ray import TaskQueue

_CANDIDATES: Mapping[str, Sequence[dict[str, int]]] = {
    "pca": [{"components": 10}, {"components": 32}],
    "neighbours": [{"neighbours": 1}, {"neighbours": 5}],
}


ANCHOR_KEYS = {("anchor", name): name for name in _CANDIDATES}
"""The anchors' tasks in a `TaskQueue`, by their keys."""


class Anchor(Frozen):
    """A simple detector that results are compared with."""

    # A report of another version may hold more, which stays in it.
    model_config = ConfigDict(frozen=True, extra="allow")

    parameters: dict[str, Any]
    """Its setting, as it was chosen."""
    classes: dict[str, ClassFigures]
    mean: Figures


def anchor(detector: str, split: Split, classes: Sequence[str], runtime: Runtime) -> Anchor:
    """One anchor: its setting chosen by validation AUROC, then tested once."""
    from memgan.training import train_cell

    candidates = [
        Configuration(detector=detector, parameters=values, runtime=runtime)
        for values in _CANDIDATES[detector]
    ]
    best = max(candidates, key=lambda candidate: _validated(candidate, split, classes))
    cells = {
        name: [train_cell(best, split.development, split.test, name, seed=0)] for name in classes
    }
    return Anchor(
        parameters=best.parameters.model_dump(exclude={"epochs"}),
        classes={name: class_figures(of_class) for name, of_class in cells.items()},
        mean=mean_figures(cells),
    )


def anchors_on_ray(
    split: Split,
    classes: Sequence[str],
    runtime: Runtime,
    queue: TaskQueue,
    *,
    cpus: float = 1,
    go_on_command: str,
) -> Callable[[], dict[str, Anchor]]:
    """Put all anchors into the queue, each for `cpus` cores; gives a function that waits for
    them, by name.

    That one raises MemganError, with the command that goes on, if an anchor failed.
    """
    import ray

    runtime = runtime.model_copy(update={"device": "cpu"})
    shared = ray.put(split)
    task = ray.remote(num_cpus=cpus, max_retries=2)(anchor)
    for key, name in ANCHOR_KEYS.items():
        queue.add(key, partial(task.remote, name, shared, tuple(classes), runtime))

    def wait() -> dict[str, Anchor]:
        found = {ANCHOR_KEYS[key]: reference for key, reference in queue.ended(ANCHOR_KEYS)}
        try:
            return {name: ray.get(found[name]) for name in ANCHOR_KEYS.values()}
        except ray.exceptions.RayError as error:
            line = " ".join(str(getattr(error, "cause", None) or error).split())[:300]
            raise MemganError(
                f"an anchor failed ({line}); the finals are kept; go on with: {go_on_command}"
            ) from error

    return wait


def _validated(configuration: Configuration, split: Split, classes: Sequence[str]) -> float:
    from memgan.training import Training

    training = Training(configuration, split.development, classes=classes, seed=0)
    training.advance(validate=False)
    return mean_of_known(training.validate().values()) or 0.0
