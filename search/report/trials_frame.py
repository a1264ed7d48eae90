"""All trials of a study as a pandas table, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search.journal import TrialOutcome, best
from search.study import Study

if TYPE_CHECKING:
    import pandas


def frame_of_trials(
    study: Study,
    trials: Mapping[str, Sequence[TrialOutcome]],
    run_ids: Mapping[str, str | None],
    seconds: Mapping[str, float],
) -> pandas.DataFrame:
    """trials: by the name of their group of classes. run_ids, seconds: of training, by trial.

    Columns: `trial`, `normal_class` (a class, or "all"), `state`, `winner`, `epochs`,
    `val_auroc/mean` and `val_auroc/CLASS` (0 to 1), `values/PARAMETER` for each searched one,
    `seconds`, `run_id`, and `why` a trial was stopped, failed
    or cannot win. What a trial has not is missing.
    """
    import pandas as pd

    every = [outcome for of_group in trials.values() for outcome in of_group]
    known = dict.fromkeys(name for outcome in every for name in outcome.val_auroc)
    classes = ["mean", *(name for name in known if name != "mean")]
    rows: list[dict[str, Any]] = []
    for group, of_group in trials.items():
        winner = best(of_group)
        for outcome in of_group:
            figures = {f"val_auroc/{name}": outcome.val_auroc.get(name) for name in classes}
            values = {f"values/{name}": outcome.values.get(name) for name in study.space}
            row = {
                "trial": outcome.trial_id,
                "normal_class": group,
                "state": outcome.state,
                "winner": outcome is winner,
                "epochs": outcome.epochs,
                **figures,
                **values,
                "seconds": seconds.get(outcome.trial_id),
                "run_id": run_ids.get(outcome.trial_id),
                "why": outcome.error or outcome.stopped_by or outcome.breach,
            }
            rows.append(row)
    columns = ["trial", "normal_class", "state", "winner", "epochs"]
    columns += [f"val_auroc/{name}" for name in classes]
    columns += [*(f"values/{name}" for name in study.space), "seconds", "run_id", "why"]
    frame = pd.DataFrame(rows, columns=columns)
    numbers = [name for name in columns if name == "seconds" or name.startswith("val_auroc/")]
    return frame.astype(dict.fromkeys(numbers, "float64"))
