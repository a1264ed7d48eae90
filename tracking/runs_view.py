"""How the MLflow UI is to show a study's runs: sorted by the mean, with the columns and the charts
that matter. A view as "Share" in the UI makes it, opened by `?viewStateShareKey=KEY`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tracking import names

VIEW_KEY = "memgan"
"""The key of a study's view, within its experiment."""

_SECTION = "val_auroc"
"""A section of charts is named as what its metrics have before their last slash; the UI puts all
others of that name behind the charts that it is given."""


def runs_view(classes: Sequence[str], searched: Sequence[str]) -> str:
    """The view as JSON, short enough for a tag: of many classes the first.

    classes: normal classes that trials are judged on. searched: names of searched parameters.
    """
    for count in range(len(classes), -1, -1):
        view = json.dumps(_view(classes[:count], searched), separators=(",", ":"))
        if len(view) <= names.TAG_LENGTH:
            return view
    return json.dumps(_view((), ()), separators=(",", ":"))


def _view(classes: Sequence[str], searched: Sequence[str]) -> dict[str, Any]:
    mean = names.val_auroc(names.MEAN)
    by_class = [names.val_auroc(name) for name in classes]
    values = [names.safe_path(name) for name in searched]
    charts = [_chart("LINE", "mean", metricKey=mean)]
    if len(by_class) > 1:
        # One axis a class and one line a trial; the last axis gives the colour.
        charts.append(
            _chart("PARALLEL", "by-class", selectedParams=[], selectedMetrics=[*by_class, mean])
        )
    if values:
        charts.append(
            _chart("PARALLEL", "values", selectedParams=values[:8], selectedMetrics=[mean])
        )
    columns = [
        *(f"metrics.`{key}`" for key in (mean, *by_class)),
        *(f"params.`{key}`" for key in values),
    ]
    return {
        "searchFilter": "",
        "orderByKey": f"metrics.`{mean}`",
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": columns,
        "runsHiddenMode": "FIRST_20_RUNS",
        "isAccordionReordered": True,
        "compareRunSections": [
            {
                "uuid": _SECTION,
                "name": _SECTION,
                "display": True,
                "isReordered": True,
                "columns": 2,  # A third as wide, ten axes would stand too close to be read.
                "cardHeight": 400,
            }
        ],
        "compareRunCharts": charts,
    }


def _chart(kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"memgan-{name}",
        "metricSectionId": _SECTION,
        "isGenerated": False,
        "deleted": False,
        "displayName": name,
        **content,
    }
