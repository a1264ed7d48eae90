from __future__ import annotations

import json

from tracking import names
from tracking.runs_view import runs_view


def test_runs_are_sorted_by_the_mean_and_show_classes_and_searched_values() -> None:
    view = json.loads(runs_view(["3", "T-shirt/top"], ["learning_rate.encoder", "memory_units"]))

    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`val_auroc/mean`", False)
    assert view["selectedColumns"] == [
        "metrics.`val_auroc/mean`",
        "metrics.`val_auroc/3`",
        f"metrics.`val_auroc/{names.safe('T-shirt/top')}`",
        "params.`learning_rate.encoder`",
        "params.`memory_units`",
    ]
    # MLflow puts columns in the order of their names where no order is given.
    assert view["columnOrder"] == view["selectedColumns"]


def test_the_mean_is_the_first_chart_and_all_classes_are_one() -> None:
    view = json.loads(runs_view(["0", "1"], ["lr"]))
    first, by_class, values = view["compareRunCharts"]

    assert (first["type"], first["metricKey"]) == ("LINE", "val_auroc/mean")
    assert by_class["selectedMetrics"] == ["val_auroc/0", "val_auroc/1", "val_auroc/mean"]
    assert (values["selectedParams"], values["selectedMetrics"]) == (["lr"], ["val_auroc/mean"])
    # MLflow groups charts by what stands before a metric's last slash: ours come in that group.
    (section,) = view["compareRunSections"]
    assert section["name"] == "val_auroc"
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == {section["uuid"]}


def test_one_class_needs_no_chart_of_classes() -> None:
    view = json.loads(runs_view(["good"], ["lr"]))
    assert [chart["displayName"] for chart in view["compareRunCharts"]] == ["mean", "values"]


def test_a_view_fits_a_tag_however_many_classes_there_are() -> None:
    text = runs_view([f"a long name of class {number}" for number in range(1000)], ["lr"])
    assert 1000 < len(text) <= names.TAG_LENGTH
    assert json.loads(text)["selectedColumns"][1].startswith("metrics.`val_auroc/a long name")
