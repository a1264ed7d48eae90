"""Which experiment of the tracking store a study's runs go to: as a rule one of the study's name.

Some servers keep experiments under paths of their users, such as Databricks, and take no other
name.
"""

from __future__ import annotations

import os

from memgan.errors import BadInput
from tracking import names
from tracking.events import RunStarted, TagsSet, now_ms
from tracking.outbox.outbox import DELIVERED_AS, EXPERIMENT, STUDY, Outbox

VARIABLE = "MLFLOW_EXPERIMENT_NAME"


def choose_experiment(outbox: Outbox, study: str, given: str | None, uri: str) -> str:
    """The name of the experiment of `study`: `given`, else that of earlier deliveries, else
    MLFLOW_EXPERIMENT_NAME, else the study's own.

    BadInput for a blank name, and for one that the store at `uri` is known to refuse. The outbox
    need not exist yet; nothing is written.
    """
    if given is not None and not given.strip():
        raise BadInput("--experiment: a name has at least one letter; leave it out for the study's")
    known = outbox.fact(EXPERIMENT) if outbox.path.is_file() else None
    chosen = given or known or os.environ.get(VARIABLE, "").strip() or study
    if uri.startswith("databricks") and not chosen.startswith("/"):
        raise BadInput(
            f"Databricks takes no experiment named {chosen}, as it keeps them by whole path; give"
            f" --experiment /Users/YOU/{chosen}"
        )
    return chosen


def owner(outbox: Outbox) -> str | None:
    """The name of the study that an outbox belongs to; None for one that was never opened."""
    # An earlier version wrote only the experiment, whose name was the study's.
    return outbox.fact(STUDY) or outbox.fact(EXPERIMENT)


def delivered_as(outbox: Outbox) -> str | None:
    """The experiment that earlier deliveries went to, or would have; None where nobody knows."""
    return outbox.fact(DELIVERED_AS) or owner(outbox)


def settle_experiment(outbox: Outbox, experiment: str) -> str | None:
    """Have the outbox deliver to `experiment` from now on. Where it delivered to another one
    before, all of it waits again, and the name of that one is given."""
    before = delivered_as(outbox)
    moved = None
    if before not in (None, experiment):
        moved = before if outbox.count_delivered() else None
        outbox.forget_delivery()
        if moved is not None:
            _tell_of_the_move(outbox)
    outbox.set_fact(EXPERIMENT, experiment)
    outbox.set_fact(DELIVERED_AS, experiment)
    return moved


def _tell_of_the_move(outbox: Outbox) -> None:
    """The old experiment keeps a copy of the runs: a time tells which one is newer."""
    for stored in outbox.waiting(1):
        if isinstance(stored.event, RunStarted):
            tags = {names.MOVED: str(now_ms())}
            outbox.append([TagsSet(run_key=stored.event.run_key, tags=tags)])
