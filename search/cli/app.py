"""`memgan`: every package's commands, mounted once; faults become a line and an exit code."""

from __future__ import annotations

import io
import shutil
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from memgan.cli import app as data_app
from memgan.cli import reproduce, score, train
from memgan.errors import BadInput, MemganError, PreflightFailed
from memgan.files import expanded_argument
from memgan.text import one_printable_line
from memgan.waiting import lines_told
from search.cli.search_commands import doctor, export, search
from search.cli.study_commands import app as studies_app
from search.cli.system_faults import flush_output, in_a_line, open_missing_streams, say
from search.stopping import EXIT_CODE, is_interruption
from tracking.cli import compare, sync, ui

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

_ROOM_FOR_BOXES = 80
"""Terminal columns below which Typer's boxes cut the names of options."""
_NOBODY_READS = 1
"""The exit code where the other end of a pipe was closed, as by `| head`."""
_NO_ANSWER = (
    "this asks a question, and there is nobody to answer it on standard input; give the option"
    " that answers it (see --help)"
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from memgan.machine import own_version

        typer.echo(f"memgan {own_version()}")
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
    open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        # A letter that a terminal cannot show is no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # Ended by a system, a study should leave the same order behind as after Ctrl-C.
    signal.signal(signal.SIGTERM, _as_interrupt)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command; its fault, if any, stands in one line on standard error."""
    _choose_help()
    try:
        code = _interruptible(arguments)
    except (MemganError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        for part in error.faults if isinstance(error, PreflightFailed) else (message,):
            if line := one_printable_line(part):
                say(line)
        return error.exit_code
    except BrokenPipeError:
        return _NOBODY_READS
    except Exception as error:
        if (told := in_a_line(error)) is None:
            raise
        say(one_printable_line(told))
        return 2
    if code == EXIT_CODE:
        say("interrupted")
    return code


def _choose_help() -> None:
    """Plain lines in a narrow terminal, which are broken and not cut."""
    boxes = shutil.get_terminal_size().columns >= _ROOM_FOR_BOXES
    for each in (app, studies_app, data_app):
        each.rich_markup_mode = "rich" if boxes else None


def _interruptible(arguments: list[str]) -> int:
    try:
        with lines_told(lambda line: typer.echo(line, err=True)):
            code = app([expanded_argument(text) for text in arguments], standalone_mode=False)
        flush_output()
    except SystemExit as error:
        # Typer's way to end where nobody reads what is written.
        return error.code if isinstance(error.code, int) else _NOBODY_READS
    except BaseException as error:
        if is_interruption(error):
            return EXIT_CODE
        if isinstance(error, typer.Abort):
            if error.__cause__ is not None:  # No question: a file that ended too early.
                raise error.__cause__ from None
            if isinstance(error.__context__, EOFError):
                raise BadInput(_NO_ANSWER) from None
            return EXIT_CODE
        raise
    return code if isinstance(code, int) else 0


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
