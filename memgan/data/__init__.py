"""Images in, splits out: sources, the typed images they become, and the leak-free split."""

from memgan.data.images import Development, LabeledImages, Source, Split

__all__ = ["Development", "LabeledImages", "Source", "Split"]
