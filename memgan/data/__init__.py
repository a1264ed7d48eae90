"""Images in, splits out: sources, the typed images they become, and the leak-free split."""

from memgan.data.fitness import check_normal_classes, why_no_validation, why_not_normal
from memgan.data.images import Development, LabeledImages, Pixels, Source, Split
from memgan.data.sources import SOURCES, NamedSource, load_source
from memgan.data.split import load_split, make_split

__all__ = [
    "SOURCES",
    "Development",
    "LabeledImages",
    "NamedSource",
    "Pixels",
    "Source",
    "Split",
    "check_normal_classes",
    "load_source",
    "load_split",
    "make_split",
    "why_no_validation",
    "why_not_normal",
]
