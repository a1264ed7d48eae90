"""What is waited for: shown where somebody looks, told to a log once it lasts, gone afterwards."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from rich.text import Text

import memgan.waiting
from memgan.cli.commands import _note
from memgan.waiting import Wait, displayed_by, lines_told, tell, waiting_for
from search.cli.search_commands import _note as _search_note


class Told:
    """A display that keeps what it was given."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def show(self, wait: Wait) -> None:
        self.events.append(wait.line)

    def close(self) -> None:
        self.events.append("closed")


class _Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


class _Timer:
    """A timer that rings when a test says so."""

    made: list[_Timer]

    def __init__(self, seconds: float, call: Callable[..., None], args: list[Any]) -> None:
        self._call, self._args, self._off = call, args, False
        self.made.append(self)

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        self._off = True

    def ring(self) -> None:
        if not self._off:
            self._call(*self._args)


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[_Timer]:
    _Timer.made = []
    monkeypatch.setattr(memgan.waiting.threading, "Timer", _Timer)  # type: ignore[attr-defined]
    return _Timer.made


def test_an_inner_wait_stands_in_the_outer_ones_place() -> None:
    told = Told()
    with displayed_by(told), waiting_for("exporting"):
        with waiting_for("bundle 1"):
            pass
        with pytest.raises(ValueError, match="x"), waiting_for("bundle 2"):
            raise ValueError("x")
    assert told.events == ["exporting", "bundle 1", "exporting", "bundle 2", "exporting", "closed"]


def test_a_line_is_asked_for_again_and_says_for_how_long() -> None:
    now, done = 0.0, 0
    wait = Wait(lambda: f"training, {done} of 3 done", now=lambda: now)
    assert wait.text() == "training, 0 of 3 done  00:00"
    now, done = 75.0, 2
    assert wait.text() == "training, 2 of 3 done  01:15"


def test_a_terminal_shows_the_line_before_anything_else_and_is_left_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = _Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with waiting_for("starting Ray", lambda: Text("2 trials")):
        assert stream.getvalue().startswith("starting Ray …")
        sys.stderr.write("a note\n")
    shown = stream.getvalue()
    assert "2 trials" in shown
    assert "a note" in shown
    assert sys.stderr is stream
    assert "\x1b[2K" in shown.partition("2 trials")[2]  # what stood there is erased


def test_a_note_stands_above_the_wait_and_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    long = "go on with: memgan search --resume " + "long-name-" * 20
    for note in (_note, _search_note, tell):
        with waiting_for("training", lambda: Text("2 trials")):
            note(long)
        before = stream.getvalue().rpartition("2 trials\x1b")[0] or stream.getvalue()
        assert f"\x1b[2K{long}\n" in stream.getvalue(), note
        assert "2 trials" in before
        stream.seek(0)
        stream.truncate()
    tell("without a wait")
    assert stream.getvalue() == "without a wait\n"


def test_a_log_is_told_once_of_what_lasts(
    monkeypatch: pytest.MonkeyPatch, timers: list[_Timer]
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    told: list[str] = []
    with lines_told(told.append):
        with waiting_for("exporting"):
            timers[-1].ring()
            with waiting_for("bundle 1"):
                pass
            timers[-1].ring()  # too late
        with waiting_for("loading memgan", logged=False):
            pass
        with waiting_for("loading\x1b[2J"):
            timers[-1].ring()
    assert told == ["exporting …", "loading\\x1b[2J …"]
    with waiting_for("in a library"):
        pass
    assert len(timers) == 3
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_a_notebook_shows_one_output_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, content: dict[str, str], *, raw: bool) -> None:
            shown.append(content)

    def display(content: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append(content)
        return Handle()

    module = ModuleType("IPython.display")
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)

    with waiting_for("starting Ray"), waiting_for("training <b>", lambda: Text("1 of 2 trials")):
        pass

    first, second, *_, last = shown
    assert "starting Ray" in first["text/plain"]
    assert "training <b>" in second["text/plain"]
    assert "1 of 2 trials" in second["text/html"]
    assert "<b>" not in second["text/html"]
    assert last == {"text/plain": "", "text/html": ""}


def test_another_thread_shows_nothing() -> None:
    told = Told()

    def work() -> None:
        with waiting_for("in a thread"):
            pass

    with displayed_by(told):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert told.events == []
