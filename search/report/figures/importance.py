"""How much each parameter mattered, by Optuna's own measure (PED-ANOVA)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from memgan.figures import NORMAL, plain_axes, short
from search.study import INDEX_SUFFIX

FEWEST = 4
"""Finished trials of a group, below which its importances are only noise."""
_TOP_TRIALS = 5


def read_importances(journal: Path, prefixes: Sequence[str]) -> dict[str, list[float]]:
    """Shares of each parameter, 0 to 1, one for each group that has enough finished trials; none
    where a single parameter was searched.

    A share is of what tells the better trials from the others; those of a group add up to 1.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    from search.journal import read_studies

    found: dict[str, list[float]] = {}
    studies = read_studies(journal)
    for prefix in prefixes:
        if prefix not in studies:
            continue
        finished = studies[prefix].get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(finished) < FEWEST or len({trial.values[0] for trial in finished}) < 2:
            continue
        with warnings.catch_warnings():
            # Of few trials, which the figure's caption says as well.
            warnings.simplefilter("ignore", UserWarning)
            shares = get_param_importances(
                studies[prefix],
                # By default the best tenth, which of few trials is one or two.
                evaluator=PedAnovaImportanceEvaluator(
                    target_quantile=min(0.5, max(0.1, _TOP_TRIALS / len(finished)))
                ),
                target=lambda trial: -trial.values[0],  # The first objective; lower is better.
            )
        for name, share in shares.items():
            found.setdefault(name.removesuffix(INDEX_SUFFIX), []).append(share)
    return found if len(found) > 1 else {}


def importance_figure(importances: Mapping[str, Sequence[float]], title: str) -> Figure:
    """A bar a parameter, the longest on top: the mean over groups, and each group as a point."""
    ordered = sorted(importances, key=lambda name: float(np.mean(importances[name])))
    figure = Figure(figsize=(7.4, 0.26 * len(ordered) + 1.2), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    means = [100 * float(np.mean(importances[name])) for name in ordered]
    axes.barh(range(len(ordered)), means, height=0.66, color=NORMAL, alpha=0.75)
    for place, (name, mean) in enumerate(zip(ordered, means, strict=True)):
        shares = [100 * share for share in importances[name]]
        if len(shares) > 1:
            axes.scatter(shares, [place] * len(shares), s=8, color="black", alpha=0.6, zorder=3)
        end = max(mean, *shares) if len(shares) > 1 else mean
        axes.annotate(
            f"{mean:.0f} %",
            (end, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(ordered)), [short(name, 34) for name in ordered])
    axes.set_xlabel("share of importance, %", fontsize=9)
    axes.margins(y=0.02)
    plain_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure
