"""The paper's printed figures, held to what is known of them."""

from __future__ import annotations

import statistics

import pytest

from memgan.data.sources.named import SOURCES
from memgan.errors import UnknownName
from memgan.paper.published.tables import PUBLISHED, published_auroc, published_for


@pytest.mark.parametrize(("dataset", "mean"), [("mnist", 96.33), ("cifar10", 64.69)])
def test_every_method_has_ten_classes_and_memgan_its_recomputed_mean(
    dataset: str, mean: float
) -> None:
    table = published_auroc(dataset)
    assert {len(by_class) for by_class in table.values()} == {10}
    assert list(table)[-1] == "MEMGAN"
    recomputed = statistics.fmean(figure.mean for figure in table["MEMGAN"].values())
    assert 100 * recomputed == pytest.approx(mean, abs=0.005)
    assert all(0 < f.mean < 1 and 0 <= f.sd < 0.1 for m in table.values() for f in m.values())


def test_figures_stand_beside_the_data_set_and_copies_of_it_alone() -> None:
    assert [published_for(name) for name in ("mnist", "cifar10", "cifar10-jpeg")] == [
        "mnist",
        "cifar10",
        "cifar10",
    ]
    for stranger in ("mnist-files", "digits", "fashion-mnist"):
        assert published_for(stranger) is None
    assert set(PUBLISHED) <= set(SOURCES)


def test_an_unknown_table_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match="mnist, cifar10"):
        published_auroc("imagenet")
