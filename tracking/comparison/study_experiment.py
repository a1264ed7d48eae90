"""Which experiment of a store holds a study's runs, found from the store only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracking import names

if TYPE_CHECKING:
    from tracking.stores import RecordReader


def experiment_of_study(record: RecordReader, study: str) -> str | None:
    """The id of the experiment of a study's name, else of the first one that has runs of it, as a
    study may be recorded under another name; None where there is none."""
    own = record.find_experiment(study)
    if own is not None:
        return own
    tags = {names.KIND: "study", names.STUDY: study}
    for name in record.experiments():
        found = record.find_experiment(name)
        if found is not None and record.runs(found, tags):
            return found
    return None
