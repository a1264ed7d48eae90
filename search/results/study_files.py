"""Which files of a study's folder this program made, and how a study is removed without others.

A study's folder is made whole, under a name that was free, and says so by its `id`. In it every
file of ours has a place of its own: what is written here, in full. Whatever else lies there was
put there by somebody, and stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from memgan.files import is_plain_file
from tracking.names import SCORES_FILE

STUDY, ID, LOCK, SECONDS = "study.yaml", "id", "lock", "seconds"
CONCLUSION, JOURNAL, OUTBOX, SESSION = (
    "conclusion.json",
    "trials.journal",
    "outbox.db",
    "session.json",
)
WEIGHTS_OF_TRIAL = ("training.pt", "influence.npy", ".metadata.json")
"""What a checkpoint's folder holds."""

_TOP = {
    STUDY,
    "study.part",
    ID,
    LOCK,
    SECONDS,
    f"{SECONDS}.part",
    "beginning.json",
    "beginning.json.part",
    CONCLUSION,
    f"{CONCLUSION}.part",
    JOURNAL,
    "trials.part",
    f"{JOURNAL}.lock",
    OUTBOX,
    *(f"{OUTBOX}{end}" for end in ("-wal", "-shm", "-journal", ".lock")),
    "writer.log",
    SESSION,
}
_DAMAGED = r"trials\.journal\.damaged-\d+"
_LAST = (STUDY, ID, LOCK)
"""Removed after all others, so that a removal that was cut short can be repeated."""
_FINAL = ("figures.json", "arrays.npz", "weights.safetensors")
_FIGURES = ("roc", "scores", "extremes", "memory", "codes", "auroc", "history", "parallel")
_PICTURES = tuple(f"{name}.png" for name in (*_FIGURES, "importance", "pareto"))
_DRAWN = (*_PICTURES, SCORES_FILE)
_RUN = (".validate_storage_marker", "tuner.pkl", "trainable.pkl")
_STAMP = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"
_STATES = (
    rf"experiment_state-{_STAMP}\.json",
    rf"searcher-state-{_STAMP}\.pkl",
    rf"search_gen_state-{_STAMP}\.json",
)
_TRIAL = (
    "error.txt",
    "error.pkl",
    "params.json",
    "params.pkl",
    "progress.csv",
    "result.json",
    "trial_metadata.json",
)
_CHECKPOINT = r"checkpoint_\d{6}"
_TRIAL_FOLDER = r".+-\d{3,}"
_FINAL_FOLDER = r".+-seed\d+(\.[0-9a-f]+)?"
"""Of a class and a seed, or what a killed process left of one that it was writing."""
_PREFLIGHT = r"\.preflight-[0-9a-f]{8}"
_DIGITS = re.compile(r"\d{3,}")


def is_made(name: str, exported: Iterable[str] = ()) -> bool:
    """Whether the file `name`, a path below a study's folder, is one that this program makes.

    exported: the names below export/ that an export's manifest lists.
    """
    match PurePosixPath(name).parts:
        case (file,):
            return file in _TOP or bool(re.fullmatch(_DAMAGED, file))
        case ("export", *rest):
            return "/".join(rest) in exported
        case ("finals", _, folder, file):
            known = _DRAWN if folder.startswith(".figures-seed") else _FINAL
            return bool(re.fullmatch(_FINAL_FOLDER, folder)) and file in known
        case (".checkpoints", _, folder, file):
            return bool(re.fullmatch(_CHECKPOINT, folder)) and file in WEIGHTS_OF_TRIAL
        case ("tune", run, *rest):
            return _is_made_by_a_run(run, rest)
    return False


def _is_made_by_a_run(run: str, rest: list[str]) -> bool:
    """Of the process that drove the study for the `run`th time; Ray Tune chose most names."""
    if re.fullmatch(_PREFLIGHT, run):
        return len(rest) == 1 and bool(re.fullmatch(r"driver|[0-9a-f]{20,}", rest[0]))
    if not _DIGITS.fullmatch(run):
        return False
    match rest:
        case [file]:
            return file in _RUN or any(re.fullmatch(state, file) for state in _STATES)
        case [trial, file]:
            return bool(re.fullmatch(_TRIAL_FOLDER, trial)) and file in _TRIAL
        case [trial, folder, file]:
            known = re.fullmatch(_CHECKPOINT, folder) and file in WEIGHTS_OF_TRIAL
            return bool(known and re.fullmatch(_TRIAL_FOLDER, trial))
    return False


def is_made_folder(name: str) -> bool:
    """Whether a path below a study's folder is that of a folder that this program makes there."""
    match PurePosixPath(name).parts:
        case ("tune" | "finals" | "export" | ".checkpoints",) | ("finals" | ".checkpoints", _):
            return True
        case ("export", "bundles" | "figures") | ("export", "bundles", _):
            return True
        case ("finals", _, folder):
            return bool(re.fullmatch(_FINAL_FOLDER, folder))
        case (".checkpoints", _, folder):
            return bool(re.fullmatch(_CHECKPOINT, folder))
        case ("tune", run):
            return bool(_DIGITS.fullmatch(run) or re.fullmatch(_PREFLIGHT, run))
        case ("tune", run, trial):
            return bool(_DIGITS.fullmatch(run) and re.fullmatch(_TRIAL_FOLDER, trial))
        case ("tune", run, trial, folder):
            known = _DIGITS.fullmatch(run) and re.fullmatch(_TRIAL_FOLDER, trial)
            return bool(known and re.fullmatch(_CHECKPOINT, folder))
    return False


def everything_below(folder: Path) -> tuple[list[str], list[str]]:
    """Paths below `folder` of what is no folder, and of the folders, the innermost first; links
    are not followed and count as files."""
    files, folders = [], []
    for top, inside, names in os.walk(folder, topdown=False):
        path = Path(top)
        links = [name for name in inside if (path / name).is_symlink()]
        files += [(path / name).relative_to(folder).as_posix() for name in (*names, *links)]
        folders.append(path.relative_to(folder).as_posix())
    return sorted(files), folders


def in_order_of_removal(names: Iterable[str]) -> list[str]:
    """What tells that a study is there comes last."""
    return sorted(names, key=lambda name: (name in _LAST, name))


def remove_study(folder: Path, exported: Iterable[str] = ()) -> list[str]:
    """Remove the files of a study that are ours, and its folders that are empty then; gives the
    paths below `folder` of the files that are left, as somebody else put them there.

    exported: as for `is_made`. OSError where a file cannot be removed.
    """
    exported = frozenset(exported)
    files, folders = everything_below(folder)
    ours = [name for name in files if is_made(name, exported) and is_plain_file(folder / name)]
    for name in in_order_of_removal(ours):
        (folder / name).unlink()
    for name in folders:
        if name == "." or is_made_folder(name):
            with suppress(OSError):  # Something of somebody else's is in it.
                (folder / name).rmdir()
    return everything_below(folder)[0]
