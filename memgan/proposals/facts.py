"""What is known of images before any pixel is read, and of the machine without torch."""

from __future__ import annotations

import statistics

from memgan.config import DataConfig
from memgan.data import NormalClass, Outline, outline
from memgan.machine import may_have_gpu, usable_cores
from memgan.proposals.proposed import DataFacts, MachineFacts


def data_facts(
    config: DataConfig, normal_class: NormalClass = "all", *, download: bool = False
) -> DataFacts:
    """The facts of a source, before it is cut; errors as those of `load_source`.

    Of folders only the headers of files are read, and of an .npz those of arrays, and the labels.
    """
    found = outline(config, download=download)
    classes = {name for part in found.counts.values() for name, count in part.items() if count}
    only_normals = len(classes) == 1 and "test" not in found.counts
    if only_normals and "test_fraction" not in config.model_fields_set:
        config = config.model_copy(update={"test_fraction": 0.0})
    images, normal_classes = _of_a_class(found, config, normal_class)
    return DataFacts(images, normal_classes, found.sizes, only_normals)


def _of_a_class(found: Outline, config: DataConfig, normal_class: NormalClass) -> tuple[int, int]:
    """Training images of a normal class, of several the median, and how many classes there are."""
    trained = found.counts["train"]
    names = [name for name in trained if normal_class == "all" or name in normal_class]
    left = 1.0
    if "test" not in found.counts:
        left *= 1 - config.test_fraction
    if "validation" not in found.counts:
        left *= 1 - config.validation_fraction
    counts = [round(left * trained[name]) for name in names] or [0]
    return max(1, int(statistics.median(counts))), max(1, len(counts))


def machine_facts(device: str = "auto") -> MachineFacts:
    """The machine of this process, as far as trials will use it; device: as `resources.device` of
    a study."""
    gpu = device == "cuda" or (device == "auto" and may_have_gpu())
    return MachineFacts(usable_cores(), gpu=gpu)
