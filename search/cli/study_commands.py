"""`memgan studies list|status|delete`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memgan.machine import with_own_version
from search.cli.options import Json, Results

if TYPE_CHECKING:
    from search.journal import TrialOutcome
    from search.results import StudyFolder
    from search.study import Study
    from search.workflow import Standing

app = typer.Typer(help="What studies there are, and how far they are.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_studies(Path("results"), False)


@app.command("list")
def list_studies(results: Results = Path("results"), as_json: Json = False) -> None:
    """List the studies in a results folder.

    Example: memgan studies list --results results
    """
    from search.results import studies_at
    from tracking.address import begin_command

    found = [_state_or_fault(folder) for folder in studies_at(results)]
    if as_json:
        typer.echo(json.dumps(with_own_version({"studies": found})))
        return
    if not found:
        typer.echo(f"no studies in {results}; `{begin_command(results)}` begins one")
        return
    from memgan.fitting_table import Column, FittingTable, show

    table = FittingTable(
        "study",
        "detector",
        "data",
        Column("trials", number=True, weight=1),
        Column("best, validation", number=True, weight=2),
        Column("state", weight=3),
    )
    for state in found:
        if "fault" in state:
            table.add_row(state["name"], "–", "–", "–", "–", state["state"])
            continue
        table.add_row(
            state["name"],
            state["detector"],
            state["dataset"],
            f"{state['done']}/{state['budget']}",
            "–" if state["best"] is None else f"{100 * state['best']:.2f}",
            state["state"],
        )
    show(table)
    for state in found:
        if "fault" in state:
            typer.echo(f"{state['name']}: {state['fault']}", err=True)


@app.command()
def status(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A study's name.")],
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Show how far one study is, trial by trial, also while it runs.

    Example: memgan studies status digits
    """
    from search.results import StudyFolder, to_look_at

    folder = to_look_at(StudyFolder.at(results, name))
    study = folder.load()
    state = _state(folder)
    if as_json:
        typer.echo(json.dumps(with_own_version(state)))
        return
    from memgan.fitting_table import Column, FittingTable, show
    from search.journal import read_groups
    from search.workflow import STATE_WORDS, short, standing_table

    table = FittingTable(
        "trial",
        Column("state", weight=1),
        Column("epochs", number=True),
        Column("validation", number=True, weight=2),
        "values",
    )
    for trial in state["trials"]:
        table.add_row(
            trial["trial"],
            STATE_WORDS.get(trial["state"], trial["state"]),
            str(trial["epochs"]),
            "–" if trial["val_auroc"] is None else f"{100 * trial['val_auroc']:.2f}",
            trial["error"] or ", ".join(f"{k} {short(v)}" for k, v in trial["values"].items()),
        )
    if state["trials"]:
        show(table)
    groups = read_groups(folder.journal)
    now = _standing(
        folder,
        study,
        groups,
        running=state["state"] == "running",
        concluded=state["state"] == "finished",
    )
    show(standing_table(study, now))
    held = _holder(folder)
    more = f", by {held}" if held else ""
    if state["state"] == "stopped":
        more = f"; go on with: {folder.go_on_command()}"
    typer.echo(f"{name}: {state['state']}{more}")


@app.command()
def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A study's name.")],
    results: Results = Path("results"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a study: trials, checkpoints, finals, export. Its MLflow runs stay, and so do files
    in its folder that memgan did not write.

    Example: memgan studies delete digits --yes
    """
    from search.results import StudyFolder, exported, mirror_of, remove_study
    from tracking.address import sync_command

    folder = StudyFolder.at(results, name)
    mirror = mirror_of(folder)  # With the outbox, which another machine may have left behind.
    folder.load()
    place = f"{folder.address}/studies/{name}" if folder.address else str(folder.path)
    with folder.lock():
        if mirror:
            mirror.must_be_free()
        if waiting := _undelivered(folder):
            typer.echo(
                f"{waiting} of its record never reached the tracking store, and go with it; to"
                f" deliver them first: {sync_command(name, folder.where)}",
                err=True,
            )
        if not yes:
            typer.confirm(f"delete {place} for good?", abort=True)
        if mirror:
            for left in mirror.remove():
                typer.echo(f"kept {place}/{left}, which memgan did not write", err=True)
        for left in remove_study(folder.path, exported(folder.export)):
            typer.echo(f"kept {folder.path / left}, which memgan did not write", err=True)
    typer.echo(f"deleted {place}; its runs in MLflow stay, and can be deleted there")


def _undelivered(folder: StudyFolder) -> str:
    """How many events, in words; nothing where all were delivered."""
    import sqlite3

    from tracking import Outbox

    if not folder.outbox.is_file():
        return ""
    try:
        waiting = Outbox(folder.outbox).count_waiting()
    except sqlite3.Error as error:
        return f"events that nobody can count (the outbox cannot be read: {error})"
    return f"{waiting} events" if waiting else ""


def _state_or_fault(folder: StudyFolder) -> dict[str, Any]:
    """One damaged study must not hide all others."""
    from memgan.errors import PluginFailed
    from memgan.plugins import INSTALL
    from memgan.text import one_printable_line

    try:
        return _state(folder)
    except Exception as error:
        line = one_printable_line(str(error)) or type(error).__name__
        of_plugin = isinstance(error, PluginFailed) or INSTALL in line
        state = "needs a plug-in" if of_plugin else "damaged"
        return {"name": folder.name, "state": state, "fault": line}


def _state(folder: StudyFolder) -> dict[str, Any]:
    from search.journal import best, check_journal, read_groups
    from search.report import read_conclusion
    from search.workflow import budget_spent

    study = folder.load()
    check_journal(folder)
    groups = read_groups(folder.journal)
    outcomes = [outcome for group in groups.values() for outcome in group]
    running = _holder(folder) is not None
    # Bests of different classes are never compared, nor put together before all are there.
    winner = best(outcomes) if study.protocol == "shared" else None
    done = [o for o in outcomes if o.state != "unfinished"]
    budget = study.most_trials * max(1, len(groups))
    spent = budget_spent(study, groups, folder.seconds_used())
    finished = spent and read_conclusion(folder) is not None
    return {
        "name": folder.name,
        "detector": study.detector,
        "dataset": study.data.source,
        "protocol": study.protocol,
        "budget": budget,
        "done": len(done),
        "best": winner.mean if winner else None,
        "state": "running" if running else "finished" if finished else "stopped",
        **_standing(folder, study, groups, running=running, concluded=finished).document(),
        "trials": [
            {
                "trial": o.trial_id,
                "state": "in_training" if running and o.in_training else o.state,
                "epochs": o.epochs,
                "val_auroc": o.mean,
                "values": o.values,
                "error": o.error,
            }
            for o in outcomes
        ],
    }


def _standing(
    folder: StudyFolder,
    study: Study,
    groups: dict[str, list[TrialOutcome]],
    *,
    running: bool,
    concluded: bool,
) -> Standing:
    from search.results import read_beginning
    from search.workflow import standing

    begun = read_beginning(folder.path)
    classes = {prefix: name for name, prefix in begun.prefixes.items()} if begun else {}
    named = {
        classes.get(prefix, prefix.removesuffix("-") or "all"): outcomes
        for prefix, outcomes in groups.items()
    }
    trained = {o.trial_id for of in groups.values() for o in of if o.in_training and running}
    return standing(study, named, folder.seconds_used(), trained, concluded=concluded)


def _holder(folder: StudyFolder) -> str | None:
    from memgan.errors import CannotLock
    from search.results import mirror_holder

    if folder.address:
        return mirror_holder(folder)
    try:
        return folder.held_by()
    except CannotLock as error:
        # What was found can be shown all the same.
        typer.echo(f"{folder.name}: nobody can say whether it is running: {error}", err=True)
        return None
