"""What was tried before a configuration was settled, by validation images only, for the page."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from memgan.config import Frozen, explain
from memgan.errors import ResultsError
from memgan.paper.page.render import markdown


class Trial(Frozen):
    """One configuration that was tried, on every class of its search."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    values: dict[str, bool | float | int | str]
    """What differs from the values of all trials, by the names that study files use."""
    epochs: int = Field(ge=1)
    state: Literal["complete", "stopped"]
    """Stopped: by the scheduler, or by hand, before its last epoch."""
    val_auroc: dict[str, float]
    """After its last epoch, by normal class, 0 to 1."""
    seconds: float = Field(ge=0)

    @property
    def mean(self) -> float:
        """Over the classes, 0 to 1."""
        return statistics.fmean(self.val_auroc.values())


class Search(Frozen):
    """The trials of one study, or those trained one by one to find out where to search."""

    name: str
    dataset: str
    split_hash: str = Field(pattern="^[0-9a-f]{64}$")
    study: str | None
    """Its file, from the root of the checkout; None where no study was run."""
    remark: str
    """What it chose, and why."""
    trials: list[Trial]

    @property
    def seconds(self) -> float:
        return sum(trial.seconds for trial in self.trials)


def read_searches(folder: Path) -> list[Search]:
    """All of the .json files in `folder`, by name. ResultsError, with the file, for a bad one."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(Search.model_validate_json(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            raise ResultsError(f"{path}: {explain(error, Search)}; restore the file") from None
        except OSError as error:
            raise ResultsError(f"{path}: not readable ({error}); restore the file") from None
    return found


def searches_page(folder: Path) -> str:
    """All searches of `folder`, with links from benchmarks/results/searches. ResultsError for a
    record that cannot be read."""
    return searches_section(read_searches(folder)).replace("](../", "](../../../") + "\n"


def searches_section(searches: Sequence[Search]) -> str:
    """Each search with all its trials, the best first."""
    parts = [_INTRODUCTION.strip()]
    for search in searches:
        name = f"[{search.name}](../{search.study})" if search.study else search.name
        parts += [
            f"## {search.name}",
            f"{name} on {search.dataset}: {len(search.trials)} trials,"
            f" {search.seconds / 60:.0f} min. {search.remark}",
            markdown(*_rows(search)),
        ]
    return "\n\n".join(parts)


_INTRODUCTION = """\
# What chose the values

Figures are AUROC in percent on validation images, which come from the train part. No trial was
scored on test images. The ranges of the searches were not chosen blindly: a prototype that had
looked at the test part suggested them, and the test figures of memgan-recipe showed which digits
are hard. A stopped trial has the figures of its last epoch, so do not compare it with a trial that
was trained for longer. Minutes are the sum over trials.
"""


def _rows(search: Search) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(name for trial in search.trials for name in trial.values))
    classes = list(dict.fromkeys(name for trial in search.trials for name in trial.val_auroc))
    header = ["state", "epochs", *names, *(f"class {name}" for name in classes), "mean", "minutes"]
    body = [
        [
            trial.state,
            str(trial.epochs),
            *(_shown(trial.values.get(name, "–")) for name in names),
            *(_percent(trial.val_auroc.get(name)) for name in classes),
            # Means of different classes are not to be compared.
            _percent(trial.mean if len(trial.val_auroc) == len(classes) else None),
            f"{trial.seconds / 60:.1f}",
        ]
        for trial in sorted(search.trials, key=_best_first)
    ]
    return header, body


def _best_first(trial: Trial) -> tuple[bool, float]:
    return trial.state != "complete", -trial.mean


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
