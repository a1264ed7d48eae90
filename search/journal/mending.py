"""A study's journal, looked at before it is trusted, and mended where its owner wants that."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from memgan.errors import StudyError
from search.journal.damage import JournalDamaged, damaged_lines, describe, mended
from search.results import StudyFolder
from search.study import ClassGroup, Study


def check_journal(folder: StudyFolder) -> None:
    """JournalDamaged, with the lines and the command that goes on without them."""
    try:
        lines = damaged_lines(folder.journal)
    except OSError as error:
        raise StudyError(f"{folder.journal} cannot be read: {error.strerror or error}") from None
    if lines:
        command = folder.go_on_command("--mend-journal")
        raise JournalDamaged(
            f"{describe(folder.journal, lines)}; {command} goes on with all that can be read, and"
            " keeps a copy of the file as it is"
        )


def mend_journal(folder: StudyFolder, study: Study, groups: Sequence[ClassGroup]) -> str | None:
    """Take out what cannot be read, and say what was done; None where nothing was damaged.

    The caller holds the study's lock. The file as it was stays beside the new one. JournalDamaged
    where what is left contradicts itself; nothing is then changed.
    """
    lines = damaged_lines(folder.journal)
    if not lines:
        return None
    from search.journal.journal import directions, study_name

    names = {study_name(group.prefix): directions(study) for group in groups}
    before = folder.journal.read_bytes()
    kept = folder.journal.with_name(_free_name(folder.journal))
    partial = folder.journal.with_suffix(".part")
    try:
        partial.write_bytes(_with_values(mended(before, folder.journal, names), study, partial))
        os.link(folder.journal, kept)
        partial.replace(folder.journal)
    finally:
        partial.unlink(missing_ok=True)
    return (
        f"{describe(folder.journal, lines)}; all that can be read is kept, and the file as it was"
        f" is {kept.name} beside it"
    )


def _free_name(path: Path) -> str:
    number = 1
    while path.with_name(f"{path.name}.damaged-{number}").exists():
        number += 1
    return f"{path.name}.damaged-{number}"


def _with_values(content: bytes, study: Study, scratch: Path) -> bytes:
    """With the values of trials that lost them, from what Optuna knows of the trials, or the
    other way round, so that a trial that goes on does so with its own."""
    import optuna

    from search.journal.journal_file import open_to_read

    scratch.write_bytes(content)
    try:
        storage = open_to_read(scratch)
        trials = {
            trial._trial_id: trial
            for known in storage.get_all_studies()
            for trial in storage.get_all_trials(known._study_id)
        }
    except Exception as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise JournalDamaged(
            f"what is left of {scratch.with_suffix('.journal')} contradicts itself ({line}); put"
            " back a copy, or start a new study"
        ) from None
    lines = content.splitlines()
    space = study.search_space
    for trial_id, trial in trials.items():
        note: dict[str, object]
        if "values" in trial.user_attrs:
            given = space.encode(trial.user_attrs["values"])
            if trial.state.is_finished() or given.keys() <= trial.params.keys():
                continue
            note = {"op_code": 9, "system_attr": {"fixed_params": given}}
        else:
            try:
                values = space.suggest(optuna.trial.FixedTrial(trial.params))  # type: ignore[arg-type]
            except ValueError:
                continue
            note = {"op_code": 8, "user_attr": {"values": values}}
        last = max(place for place, line in enumerate(lines) if _is_of(line, trial_id))
        added = json.dumps({**note, "worker_id": "mended", "trial_id": trial_id})
        lines.insert(last, added.encode())
    return b"".join(line + b"\n" for line in lines)


def _is_of(line: bytes, trial_id: int) -> bool:
    return bool(json.loads(line).get("trial_id") == trial_id)
