"""A study's images as a data set of MLflow, and back."""

from __future__ import annotations

import json

from mlflow.entities import Dataset, DatasetInput, InputTag

from tracking import names
from tracking.events import DataFacts


def to_mlflow(data: DataFacts) -> DatasetInput:
    """The data set; which of its parts a run works on is said by the tag of the run's input."""
    profile = {
        "num_rows": sum(data.sizes.values()),
        "images": data.sizes,
        "image_shape": data.image_shape,
    }
    dataset = Dataset(
        name=data.name,
        digest=data.digest,
        source_type="memgan",
        source=json.dumps({"source": data.name}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag(names.DATA_CONTEXT, ", ".join(data.parts))])


def from_mlflow(found: DatasetInput) -> DataFacts:
    """What `to_mlflow` wrote, or as much as is said of a data set that somebody else logged."""
    profile = json.loads(found.dataset.profile or "{}")
    context = next((tag.value for tag in found.tags if tag.key == names.DATA_CONTEXT), "")
    return DataFacts(
        name=found.dataset.name,
        digest=found.dataset.digest,
        sizes=profile.get("images", {}),
        image_shape=tuple(profile.get("image_shape", ())),
        parts=tuple(context.split(", ")) if context else (),
    )
