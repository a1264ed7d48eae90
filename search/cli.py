"""`memgan`: every package's commands, mounted once; faults become a line and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from memgan.commands import score, train
from memgan.data.commands import app as data_app
from memgan.errors import MemganError, PreflightFailed
from memgan.home import expanded_argument
from memgan.printing import one_printable_line
from memgan.reproduce.commands import reproduce
from search.commands import doctor, export, search
from search.stopping import EXIT_CODE, is_interruption
from search.study_commands import app as studies_app
from tracking.commands import compare, sync, ui

app = typer.Typer(
    name="memgan",
    help="Search, train and export one-class anomaly detectors with a memory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (search, train, export, score, compare, reproduce, sync, ui, doctor):
    app.command()(command)
app.add_typer(studies_app, name="studies")
app.add_typer(data_app, name="data")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"memgan {version('memgan')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        # A letter that a terminal cannot show is no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Ended by a system, a study should leave the same order behind as after Ctrl-C.
    signal.signal(signal.SIGTERM, _as_interrupt)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; its fault, if any, stands in one line on standard error."""
    try:
        code = _interruptible(arguments)
    except (MemganError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        for part in error.faults if isinstance(error, PreflightFailed) else (message,):
            if line := one_printable_line(part):
                sys.stderr.write(f"memgan: {line}\n")
        return error.exit_code
    except PermissionError as error:
        sys.stderr.write(f"memgan: {one_printable_line(_refused(error))}\n")
        return 2
    except RuntimeError as error:
        if "home directory" not in str(error):  # pathlib's words, where a user has none
            raise
        sys.stderr.write("memgan: this user has no home folder; set HOME to one\n")
        return 2
    except BrokenPipeError:
        return 1
    if code == EXIT_CODE:
        sys.stderr.write("memgan: interrupted\n")
    return code


def _interruptible(arguments: list[str]) -> int:
    try:
        code = app([expanded_argument(text) for text in arguments], standalone_mode=False)
    except BaseException as error:
        if isinstance(error, typer.Abort) or is_interruption(error):
            return EXIT_CODE
        raise
    return code if isinstance(code, int) else 0


def _refused(error: PermissionError) -> str:
    where = error.filename or "a place that is needed"
    home = Path(os.environ.get("HOME") or "/nowhere").absolute()
    hint = (
        "set HOME to a folder of your own"
        if isinstance(where, str) and Path(where).is_relative_to(home)
        else "give another place, or ask for the right to this one"
    )
    return f"{where}: {error.strerror or 'permission denied'}; {hint}"


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
