"""What a store is told of a run or an experiment beside figures: descriptions, images, tags."""

from __future__ import annotations

from collections.abc import Mapping

from tracking import names
from tracking.events import DataUsed, Described, ExperimentTagged
from tracking.stores import Tracker
from tracking.values import may_describe, note_digest

_ARTIFACT = "(artifact:"
"""What a link to an artifact of the run begins with, in a description."""


def write_note(
    tracker: Tracker,
    experiment_id: str,
    run_id: str,
    event: DataUsed | Described | ExperimentTagged,
) -> None:
    """Tell the store. Raises what the tracker raises."""
    if isinstance(event, DataUsed):
        tracker.log_data(run_id, event.data)
    elif isinstance(event, ExperimentTagged):
        tracker.tag_experiment(experiment_id, event.tags)
    elif event.whole_study:
        tags = _tags(event.text, experiment_id, run_id)
        if _is_free(tracker.experiment_tags(experiment_id), tags):
            tracker.tag_experiment(experiment_id, tags)
    else:
        tags = _tags(event.text, experiment_id, run_id)
        if _is_free(tracker.get_run(run_id).tags, tags):
            tracker.log_batch(run_id, [], {}, tags)


def _is_free(now: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return may_describe(now.get(names.NOTE), new[names.NOTE], now)


def _tags(text: str, experiment_id: str, run_id: str) -> dict[str, str]:
    # As a part of the address behind #, so that the link holds wherever the UI is served.
    artifacts = f"(#/experiments/{experiment_id}/runs/{run_id}/artifacts/"
    text = text.replace(_ARTIFACT, artifacts)
    return {names.NOTE: text, names.OWN_NOTE: note_digest(text)}
