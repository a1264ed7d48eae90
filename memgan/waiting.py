"""What is being waited for, in one line on standard error that is kept up while it lasts.

A terminal and a notebook show it live, and it goes with the wait. A log gets it once, where the
wait lasts and a command line asked for it (`lines_told`). Rich is imported where it shows
something, so a wait costs nothing elsewhere.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from memgan.text import clock, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_LASTS = 2.0
"""Seconds after which a log is told of a wait."""
_TIMES_A_SECOND = 4
_NOTEBOOK_COLUMNS = 100


class Wait:
    """One thing that is being waited for."""

    def __init__(
        self,
        line: str | Callable[[], str],
        details: Callable[[], RenderableType] | None = None,
        *,
        logged: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self.details = details
        self.logged = logged
        self._now = now
        self._began = now()

    def say(self, line: str) -> None:
        """Go on with another line: the same wait is further than before."""
        self._line = line

    @property
    def line(self) -> str:
        """What is being waited for, as it stands now."""
        return visible(self._line if isinstance(self._line, str) else self._line())

    def text(self) -> str:
        """The line, and for how long it has been so."""
        return f"{self.line}  {clock(self._now() - self._began)}"


class Display(Protocol):
    """What shows waits. One of several is chosen where the first wait begins."""

    def show(self, wait: Wait) -> None:
        """Show this one from now on."""

    def close(self) -> None:
        """Nothing is waited for any more."""


@contextmanager
def waiting_for(
    line: str | Callable[[], str],
    details: Callable[[], RenderableType] | None = None,
    *,
    logged: bool = True,
) -> Iterator[Wait]:
    """Show what the block waits for while it lasts; within another wait, in that one's place.

    line: such as "starting Ray"; a function is asked for it again and again. details: asked again
    and again for what stands below it. logged: whether a log is told of it too. Lines written to
    standard error meanwhile stand above it; who writes to a standard output that is a terminal
    must not wait meanwhile. Off the main thread nothing is shown.
    """
    wait = Wait(line, details, logged=logged)
    if threading.current_thread() is not threading.main_thread():
        yield wait
        return
    _SHOWN.push(wait)
    try:
        yield wait
    finally:
        _SHOWN.remove(wait)


def tell(line: str) -> None:
    """Write a line to standard error: above what is being waited for, where that is shown live."""
    _SHOWN.tell(line)


@contextmanager
def lines_told(say: Callable[[str], None]) -> Iterator[None]:
    """While the block lasts, `say` is given the line of each wait that lasts and that neither a
    terminal nor a notebook shows."""
    before, _SHOWN.say = _SHOWN.say, say
    try:
        yield
    finally:
        _SHOWN.say = before


@contextmanager
def displayed_by(display: Display) -> Iterator[None]:
    """While the block lasts, all waits are shown by `display`."""
    before, _SHOWN.forced = _SHOWN.forced, display
    try:
        yield
    finally:
        _SHOWN.forced = before


def left_behind() -> None:
    """Give the terminal its cursor back, where the process ends in the middle of a wait."""
    if _SHOWN.waits and sys.__stderr__ is not None and sys.__stderr__.isatty():
        sys.__stderr__.write("\x1b[?25h")
        sys.__stderr__.flush()


class _Shown:
    """The waits of this process, the innermost last, and what shows them."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self.say: Callable[[str], None] | None = None
        self.forced: Display | None = None
        self._display: Display = _Nothing()

    def push(self, wait: Wait) -> None:
        if not self.waits:
            self._display = self.forced or self._chosen()
        self.waits.append(wait)
        with suppress(OSError):  # A lost terminal ends no training.
            self._display.show(wait)

    def remove(self, wait: Wait) -> None:
        self.waits.remove(wait)
        with suppress(OSError):
            if self.waits:
                self._display.show(self.waits[-1])
            else:
                self._display.close()

    def tell(self, line: str) -> None:
        if self.waits and isinstance(self._display, _OnTerminal):
            self._display.tell(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def _chosen(self) -> Display:
        if _in_notebook():
            return _InNotebook()
        stream = sys.stderr
        if stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb":
            return _OnTerminal(stream)
        return _InLog(self.say) if self.say else _Nothing()


class _Nothing:
    def show(self, wait: Wait) -> None:
        pass

    def close(self) -> None:
        pass


class _OnTerminal:
    """A spinner, the line, and the details below, rewritten in place."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live: Live | None = None
        self._wait = Wait("")

    def show(self, wait: Wait) -> None:
        self._wait = wait
        if self._live is not None:
            self._live.refresh()
            return
        # The imports take a moment of their own, in which something should stand there already.
        self._stream.write(f"{wait.line} …")
        self._stream.flush()
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner

        console = Console(file=self._stream)
        spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")
        self._live = Live(
            get_renderable=lambda: self._content(spinner),
            console=console,
            refresh_per_second=_TIMES_A_SECOND,
            transient=True,
            redirect_stdout=sys.stdout is sys.stderr,
        )
        self._stream.write("\r\x1b[2K")
        self._live.start(refresh=True)

    def tell(self, line: str) -> None:
        """A line above the wait; the terminal wraps it, so that a command in it can be copied."""
        from rich.text import Text

        if self._live is not None:
            self._live.console.print(Text(line), soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _content(self, spinner: Any) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        wait = self._wait
        spinner.update(text=Text(wait.text(), overflow="fold"))
        return Group(spinner, wait.details()) if wait.details else spinner


class _InNotebook:
    """One output of the cell, kept up by a thread."""

    def __init__(self) -> None:
        self._wait = Wait("")
        self._handle: Any = None
        self._closed = threading.Event()

    def show(self, wait: Wait) -> None:
        from IPython.display import display

        self._wait = wait
        if self._handle is not None:
            self._handle.update(self._content(), raw=True)
            return
        self._handle = display(self._content(), raw=True, display_id=True)
        # In this thread's context, by which the kernel knows the cell.
        keep_up = contextvars.copy_context().run
        threading.Thread(target=keep_up, args=(self._keep_up,), daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)

    def _keep_up(self) -> None:
        while not self._closed.wait(1.0):
            self._handle.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        import html
        import io

        from rich.console import Console

        console: Console = Console(
            file=io.StringIO(), width=_NOTEBOOK_COLUMNS, force_jupyter=False, color_system=None
        )
        console.print(self._wait.text(), markup=False, highlight=False)
        if self._wait.details:
            console.print(self._wait.details())
        text = console.file.getvalue()  # type: ignore[attr-defined]
        return {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}


class _InLog:
    """Each wait once, as soon as it has lasted."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told: list[Wait] = []
        self._timer: threading.Timer | None = None

    def show(self, wait: Wait) -> None:
        self.close()
        if wait.logged and wait not in self._told:
            self._timer = threading.Timer(_LASTS, self._tell, [wait])
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self, wait: Wait) -> None:
        self._told.append(wait)
        with suppress(OSError, ValueError):  # The stream may be closed, or nobody may read it.
            self._say(f"{wait.line} …")


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console().is_jupyter


_SHOWN = _Shown()
