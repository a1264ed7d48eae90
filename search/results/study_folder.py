"""A study's folder: what lies where, who holds it, how much time it has used."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from memgan.config import cut_as_it_began, parse, read_yaml, to_yaml
from memgan.errors import CannotLock, StudyError
from memgan.files import Made, scratch_folder, try_lock
from search.results.beginning import Beginning, write_beginning
from search.results.storage import Storage
from search.study import Study, check_study_name, is_study_name
from tracking.address import as_address, is_address, local_folder, resume_command

_STUDY, _ID, _LOCK, _SECONDS = "study.yaml", "id", "lock", "seconds"


@dataclass(frozen=True)
class StudyFolder:
    """`results`/studies/`name`, complete or absent."""

    results: Path
    name: str
    address: str | None = None
    """Where the results lie, if that is no folder; `results` then is this machine's part."""
    options: tuple[str, ...] = field(default=(), compare=False)
    """What else the command that drives the study is given: its record's place, Ray's address."""

    @classmethod
    def at(cls, results: Path | str, name: str, options: tuple[str, ...] = ()) -> StudyFolder:
        """A study in a results folder, or at an address such as s3://bucket/results. StudyError
        for what cannot be the name of one."""
        check_study_name(name)
        address = as_address(results) if is_address(results) else None
        return cls(local_folder(results), name, address, options)

    def go_on_command(self, *more: str) -> str:
        """The whole command that goes on with the study, as it can be pasted."""
        return resume_command(self.name, self.where, *self.options, *more)

    @property
    def where(self) -> str:
        """The results as `--results` names them."""
        return self.address or str(self.results)

    @property
    def path(self) -> Path:
        """The folder itself, absolute."""
        return self.results.absolute() / "studies" / self.name

    @property
    def study_file(self) -> Path:
        return self.path / _STUDY

    @property
    def journal(self) -> Path:
        """Optuna's journal, from which a study resumes."""
        return self.path / "trials.journal"

    @property
    def tune(self) -> Path:
        """Tune's storage, where results are a folder: trials and their checkpoints."""
        return self.path / "tune"

    @property
    def checkpoints(self) -> Storage:
        """Tune's storage as all nodes reach it."""
        where = f"{self.address}/studies/{self.name}/tune" if self.address else self.tune
        return Storage.at(where)

    @property
    def outbox(self) -> Path:
        """Events on their way to the record."""
        return self.path / "outbox.db"

    @property
    def finals(self) -> Path:
        return self.path / "finals"

    @property
    def export(self) -> Path:
        return self.path / "export"

    @property
    def exists(self) -> bool:
        return self.study_file.is_file()

    @property
    def study_id(self) -> str:
        """Tells apart studies that had the same name one after the other. StudyError where the
        file is lost."""
        try:
            found = (self.path / _ID).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
        if not found:
            raise StudyError(
                f"{self.path / _ID} is missing or damaged, so the study's record cannot be found"
                " again; put back a copy, or start a new study"
            )
        return found

    def check_free(self) -> None:
        """StudyError if the name is taken."""
        if self.path.exists() or self.path.is_symlink():
            hint = f"; go on with it: {self.go_on_command()}" if self.exists else ""
            raise StudyError(f"{self.path} exists already{hint}, or take another --name")

    def create(
        self, study: Study, beginning: Beginning | None = None, made: Made | None = None
    ) -> None:
        """Write the study, and what it begins with; all or nothing. StudyError if the name is
        taken or the results folder cannot be written, CannotLock if nothing in it can be locked.

        made: is told which folders above the study's own were not there.
        """
        self.check_free()
        made = Made() if made is None else made
        try:
            made.folder(self.path.parent)
            with scratch_folder(self.path) as partial:
                (partial / _STUDY).write_text(to_yaml(study), encoding="utf-8")
                (partial / _ID).write_text(uuid.uuid4().hex + "\n", encoding="utf-8")
                if beginning is not None:
                    write_beginning(partial, beginning)
                _must_lock(partial / _LOCK)
                partial.rename(self.path)
        except CannotLock:
            made.take_away()
            raise
        except OSError as error:
            made.take_away()
            raise StudyError(
                f"results folder {self.results} cannot be written: {error.strerror or error};"
                " give another with --results"
            ) from None

    def load(self) -> Study:
        """The study as it was written. StudyError if there is none of this name."""
        if not self.exists:
            known = ", ".join(folder.name for folder in studies(self.results)) or "none"
            raise StudyError(f"no study {self.name!r} in {self.where}; there are: {known}")
        content = cut_as_it_began(read_yaml(self.study_file))
        return parse(Study, content, str(self.study_file))

    def replace(self, study: Study) -> None:
        """Write the study again, as an extension of it; the caller holds the lock."""
        partial = self.study_file.with_suffix(".part")
        partial.write_text(to_yaml(study), encoding="utf-8")
        partial.replace(self.study_file)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study; the system lets go of it when this process dies, however it does.

        StudyError, naming the process, if another one holds it, and where the folder cannot be
        written; CannotLock where its file system has no locks.
        """
        place = self.path / _LOCK
        try:
            # Not by open(..., "w"), which would empty what the holder wrote.
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StudyError(
                f"study {self.name} in {self.path} cannot be written ({error.strerror or error});"
                " make the folder writable, or copy the whole results folder to a place that is"
            ) from None
        try:
            if not _acquire(descriptor, place):
                raise StudyError(
                    f"study {self.name} is held by {_holder(descriptor)};"
                    " wait for it to end, or end it"
                )
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {os.uname().nodename}\n".encode())
            yield
        finally:
            os.close(descriptor)

    def held_by(self) -> str | None:
        """The process that holds the study, in words, or None; disturbs nobody. CannotLock where
        nobody can say, as the file system has no locks."""
        place = self.path / _LOCK
        try:
            descriptor = os.open(place, os.O_RDONLY)
        except OSError:
            return None
        try:
            return None if try_lock(descriptor, place, shared=True) else _holder(descriptor)
        finally:
            os.close(descriptor)

    def seconds_used(self) -> float:
        """Time that searches of this study took so far, over all invocations."""
        try:
            return float((self.path / _SECONDS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0.0

    def use_seconds(self, total: float) -> None:
        """Note the time used so far."""
        partial = self.path / f"{_SECONDS}.part"
        partial.write_text(f"{total:.3f}\n", encoding="utf-8")
        partial.replace(self.path / _SECONDS)


def studies(results: Path) -> list[StudyFolder]:
    """The studies in a results folder, by name."""
    found = sorted(results.glob(f"studies/*/{_STUDY}")) if results.is_dir() else []
    return [
        StudyFolder(results, file.parent.name) for file in found if is_study_name(file.parent.name)
    ]


def _must_lock(place: Path) -> None:
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try_lock(descriptor, place)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, place: Path) -> bool:
    # More than once, as `held_by` of another process holds it for an instant.
    for _ in range(5):
        if try_lock(descriptor, place):
            return True
        time.sleep(0.05)
    return False


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 100, 0).decode(errors="replace").strip() or "another process"
