"""What the record is told of a final."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np

from memgan.config.parameters import make_parameters
from memgan.stats import PixelFigures
from memgan.training.cells import Cell
from search.workflow.conclusion_record import _record_models, metrics_of


def test_a_final_with_masks_is_recorded_with_its_figures_by_pixel() -> None:
    scores = np.array([0.1, 0.2, 0.9])
    pixels = PixelFigures(auroc=0.98, aupro=0.9, best_f1=0.5, threshold=12.5)
    plain = Cell("good", 0, None, 0.9, 0.8, 0.1, 1.0, {}, scores, scores, scores > 0.5)
    masked = Cell(
        "good", 0, None, 0.9, 0.8, 0.1, 1.0, {}, scores, scores, scores > 0.5, pixels=pixels
    )
    always = {"test_average_precision/good": 0.8, "test_fpr_at_95_recall/good": 0.1}
    assert metrics_of(plain) == always
    assert metrics_of(masked) == {
        **always,
        "test_pixel_auroc/good": 0.98,
        "test_aupro/good": 0.9,
        "test_pixel_f1/good": 0.5,
        "test_pixel_threshold/good": 12.5,
    }


def test_bundles_without_an_onnx_model_are_no_models_of_the_record() -> None:
    record = Mock()
    concluded = Mock()
    concluded.winners = [Mock(group=Mock(classes=("3", "8")))]
    concluded.cells = {"3": [Mock(seed=0)], "8": [Mock(seed=0)]}
    concluded.folder.export = Path("export")
    steps = make_parameters("anogan", {"search": "steps"}, "test")
    encoder = make_parameters("anogan", {}, "test")
    concluded.best.parameters_for = {"3": steps, "8": encoder}.__getitem__
    _record_models(record, concluded)

    (call,) = record.final_model.call_args_list
    assert call.args[2] == {"8": Path("export/bundles/8")}
