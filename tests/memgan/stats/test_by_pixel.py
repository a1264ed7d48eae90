"""Figures by pixel, computed by hand on images of a few pixels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_auc_score

from memgan.config import ResizePolicy
from memgan.data import Maps, Mask, enlarged
from memgan.stats import auroc, masks_say_where, pixel_figures


def mask(*rows: str) -> Mask:
    return Mask.of(np.array([[cell == "#" for cell in row] for row in rows]))


def maps(*images: list[list[float]]) -> Maps:
    return np.array(images, dtype=np.float32)


def test_a_map_that_finds_all_has_the_best_of_every_figure() -> None:
    found = pixel_figures(maps([[0, 9, 0], [0, 0, 8]]), [mask(".#.", "..#")])
    assert found is not None
    assert (found.auroc, found.aupro, found.best_f1, found.threshold) == (1, 1, 1, 8)


def test_by_hand_where_a_large_region_is_found_and_a_small_one_is_not() -> None:
    # Anomalous: 9 8 7 (one region) and 1 (another); normal: 5 0 0 0 0 0.
    found = pixel_figures(maps([[9, 8, 7, 0, 1], [0, 0, 0, 0, 5]]), [mask("###.#", ".....")])
    assert found is not None
    assert found.auroc == pytest.approx((3 * 6 + 5) / (4 * 6))
    # With 0 of 6 normal pixels flagged half of the regions are found, and so up to 1 of 6; then
    # the other one too.
    assert found.aupro == pytest.approx((0.5 * 1 / 6 + (0.3 - 1 / 6)) / 0.3)
    assert found.best_f1 == pytest.approx(2 * 0.8 * 1 / 1.8)  # 4 of 5 flagged are right, all found
    assert found.threshold == 1


def test_a_region_counts_once_however_large_and_touches_at_a_corner() -> None:
    one = pixel_figures(maps([[9, 0, 0], [0, 1, 0]]), [mask("#..", ".#.")])
    two = pixel_figures(maps([[9, 0, 0], [0, 0, 1]]), [mask("#..", "..#")])
    assert one is not None
    assert two is not None
    assert one.aupro == two.aupro == 1  # All normal pixels are below both.
    # One region of which half is found with 0 of 4 normal pixels flagged, and no more up to 4.
    half = pixel_figures(maps([[9, 5, 5], [5, 0, 5]]), [mask("#..", ".#.")])
    assert half is not None
    assert half.aupro == pytest.approx(0.5)


def test_the_curve_is_cut_between_two_points_of_it() -> None:
    # 2 of 4 normal pixels tie with the second anomalous one: from (0, 1/2) straight to (1/2, 1).
    found = pixel_figures(maps([[9, 5, 5, 5, 0, 0]]), [mask("#.#...")])
    assert found is not None
    at_limit = 0.5 + 0.5 * 0.3 / 0.5
    assert found.aupro == pytest.approx((0.5 + at_limit) / 2)


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("sense", [1, -1])
def test_the_area_is_that_of_scikit_learn_however_the_curve_ends(levels: int, sense: int) -> None:
    rng = np.random.default_rng(levels)
    where = rng.random((6, 9)) < 0.3
    values = sense * (rng.integers(0, levels, (6, 9)) + levels * where)
    found = pixel_figures(values[None].astype(np.float32), [Mask.of(where)])
    assert found is not None
    assert found.auroc == pytest.approx(roc_auc_score(where.ravel(), values.ravel()), abs=1e-9)


def test_a_map_is_brought_to_the_size_of_each_images_own_mask() -> None:
    large = np.zeros((8, 12), dtype=bool)
    large[4:, 6:] = True
    found = pixel_figures(maps([[0, 0], [0, 1]], [[0, 0], [0, 0]]), [Mask.of(large), Mask(3, 5)])
    assert found is not None
    scores = np.concatenate([enlarged(maps([[0, 0], [0, 1]])[0], (8, 12)).ravel(), np.zeros(15)])
    assert found.auroc == pytest.approx(
        auroc(scores, np.append(large.ravel(), [False] * 15)), abs=1e-4
    )


def test_so_many_values_that_quantiles_stand_for_them_change_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    where = np.zeros((200, 300), dtype=bool)
    where[20:60, 30:80] = True
    one = (rng.normal(size=where.shape) + 2 * where).astype(np.float32)
    found = pixel_figures(one[None], [Mask.of(where)])
    assert found is not None
    assert found.auroc == pytest.approx(auroc(one.ravel().astype(float), where.ravel()), abs=1e-3)


@pytest.mark.parametrize(
    ("size", "resize"), [((96, 96), "fit"), ((150, 130), "fit"), ((130, 150), "crop")]
)
def test_a_small_defect_that_can_be_told_from_all_else_is(
    size: tuple[int, int], resize: ResizePolicy
) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 96, 96)).astype(np.float32)
    images[0, 50:55, 60:65] += 20
    where = enlarged(images[0], size, resize) > 10
    masks = [Mask.of(where), *(Mask(*size) for _ in range(39))]
    found = pixel_figures(images, masks, resize)
    assert found is not None
    assert found.best_f1 == 1
    assert 5 < found.threshold < 25
    faint = np.where(images > 21, 0, images)
    in_part = pixel_figures(faint, masks, resize)
    assert in_part is not None
    precision, recall, _ = precision_recall_curve(
        np.concatenate([mask.where.ravel() for mask in masks]),
        np.concatenate([enlarged(one, size, resize).ravel() for one in faint]),
    )
    exact = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert in_part.best_f1 == pytest.approx(exact, abs=1e-9)
    assert 0 < exact < 1


def test_without_an_anomalous_pixel_there_is_no_figure_and_images_without_a_mask_count_not() -> (
    None
):
    assert pixel_figures(maps([[0, 1]]), [Mask(1, 2)]) is None
    assert pixel_figures(maps([[0, 1]]), [None]) is None
    with_all = pixel_figures(maps([[1, 0]], [[0, 9]]), [mask("#."), None])
    assert with_all is not None
    assert with_all.auroc == 1


def test_masks_that_say_a_normal_image_is_anomalous_say_nothing() -> None:
    masks = [mask("#."), Mask(1, 2), None]
    assert masks_say_where(masks, np.array([True, False, True]))
    assert not masks_say_where(masks, np.array([False, True, True]))
    assert not masks_say_where([Mask(1, 2)], np.array([True]))
    assert not masks_say_where(None, np.array([True]))


def test_a_mask_comes_back_as_it_was() -> None:
    where = np.random.default_rng(0).random((5, 7)) > 0.5
    np.testing.assert_array_equal(Mask.of(where).where, where)
    assert Mask.of(np.zeros((5, 7), dtype=bool)).bits is None
    assert Mask(5, 7).where.sum() == 0
