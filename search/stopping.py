"""How a study is stopped: SIGTERM does what Ctrl-C does, the first one is enough, and it is over
in time.

SIGTERM is blocked in every thread of this process, and a thread waits for it and interrupts the
main thread. So no handler that Ray puts in place, in Python or in C++, is ever called, and the
processes that are started meanwhile (Ray's, its workers, the writer of the record) inherit the
block: a SIGTERM that a system sends to all processes of a job reaches only this one.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

EXIT_CODE = 130
SECONDS_TO_END = 9.0
"""From the first signal to the end of the process, at most."""
_SECONDS_FOR_LAST_WORDS = 1.0
_SECONDS_TO_LEAVE = 2.5
"""Kept back of the above for Ray's end and the process's own."""
_REPLACED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class Stop:
    """The wish to stop, as signals bring it while `stoppable` lasts."""

    def __init__(self, *, ctrl_c_is_ignored: bool = False) -> None:
        self._ctrl_c_is_ignored = ctrl_c_is_ignored
        self._ended_by_system = False
        self._taken = self._held = False
        self._asked_at: float | None = None
        self._asked = threading.Event()
        self._last_words: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """Whether somebody wants this process to stop."""
        return self._asked_at is not None

    def seconds_left(self, otherwise: float) -> float:
        """Seconds that may still be spent on an orderly end; `otherwise` where nobody asked."""
        if self._asked_at is None:
            return otherwise
        spent = time.monotonic() - self._asked_at
        return max(0.5, SECONDS_TO_END - _SECONDS_TO_LEAVE - spent)

    def take(self, number: int) -> bool:
        """Note that a signal arrived; whether it is the first one; only that counts.

        SIGINT does not count where it was ignored from the start, as a shell's script has it
        for what it runs in the background.
        """
        if number == signal.SIGINT and self._ctrl_c_is_ignored and not self._ended_by_system:
            return False
        first, self._taken = not self._taken, True
        self._note()
        return first

    def ask(self) -> None:
        """Stop the main thread as a signal would; called by another thread."""
        self._ended_by_system = True
        self._note()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def at_worst(self, say: Callable[[], None]) -> None:
        """Call this where the process is ended before it could end in order."""
        self._last_words.append(say)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no signal interrupt what is short and must be done whole; `asked` tells of it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals: KeyboardInterrupt for the first one."""
        if self.take(number) and not self._held:
            raise KeyboardInterrupt

    def forget(self) -> None:
        """Let the thread of `end_anyway` end, as nobody asked."""
        self._asked.set()

    def _note(self) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        self._asked.set()

    def end_anyway(self) -> None:
        """Wait for the wish to stop, and end the process where it does not end by itself."""
        self._asked.wait()
        if self._asked_at is None:
            return
        time.sleep(SECONDS_TO_END - _SECONDS_FOR_LAST_WORDS)
        # On a thread of its own: what hangs may hold what the last words need.
        speaker = threading.Thread(target=self._speak, daemon=True)
        speaker.start()
        speaker.join(_SECONDS_FOR_LAST_WORDS)
        os._exit(EXIT_CODE)

    def _speak(self) -> None:
        for say in self._last_words:
            with suppress(Exception):
                say()


_active: Stop | None = None


def current() -> Stop:
    """The wish to stop this process; one that no signal reaches outside `stoppable`."""
    return _active or Stop()


def is_interruption(error: BaseException) -> bool:
    """Whether `error` is a wish to stop: KeyboardInterrupt, or what other code made of it.

    A signal interrupts whatever runs. Python's own `__set_name__`, an import and many libraries
    then raise an exception of theirs, with the KeyboardInterrupt as its cause or context, or
    without a trace of it. A SystemExit says already how the process shall end.
    """
    if isinstance(error, SystemExit | GeneratorExit):
        return False
    return current().asked or any(isinstance(e, KeyboardInterrupt) for e in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        at = left.pop()
        if at is None or id(at) in seen:
            continue
        seen.add(id(at))
        yield at
        left += [at.__cause__, at.__context__]
        if isinstance(at, BaseExceptionGroup):
            left += at.exceptions


@contextmanager
def _interruptions_as_one_kind() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if is_interruption(error):
            raise KeyboardInterrupt from error
        raise


@contextmanager
def stoppable(*, process_ends: bool = False) -> Iterator[Stop]:
    """While the block lasts, the first SIGINT or SIGTERM raises KeyboardInterrupt in the main
    thread, and all later ones change nothing. Whatever else `is_interruption` leaves the block as
    KeyboardInterrupt.

    process_ends: the process ends with the block, so where it was asked to stop it is ended
    `SECONDS_TO_END` later, whatever holds it up, and signals stay without effect until then.
    Within another block, and off the main thread, this does nothing.
    """
    global _active
    if threading.current_thread() is not threading.main_thread():
        yield current()
        return
    if _active is not None:
        with _interruptions_as_one_kind():
            yield _active
        return
    stop = Stop(ctrl_c_is_ignored=signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
    ends = _ends()
    before = _handlers()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    for number in (signal.SIGINT, *ends):
        signal.signal(number, stop.handle)
    # These threads inherit the block, as `sigwait` needs it.
    closed = threading.Event()
    listener = threading.Thread(target=_listen, args=(stop, ends, closed), daemon=True)
    listener.start()
    if process_ends:
        threading.Thread(target=stop.end_anyway, daemon=True).start()
    _active = stop
    try:
        with _interruptions_as_one_kind():
            yield stop
    finally:
        _active = None
        if not (process_ends and stop.asked):
            closed.set()
            signal.pthread_kill(listener.ident or 0, signal.SIGTERM)
            listener.join()
            stop.forget()
            _put_back(before)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Put back the handlers of signals that are replaced in the block, as Ray and Tune do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _handlers()
    try:
        yield
    finally:
        _put_back(before)


def stop_process() -> None:
    """Stop the search of this process, as Ctrl-C would; called by another thread."""
    if _active is None:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        _active.ask()


def _ends() -> set[signal.Signals]:
    """What a system sends to end a process. A lost terminal too, unless `nohup` said no."""
    hangs_up = signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    return {signal.SIGTERM, signal.SIGHUP} if hangs_up else {signal.SIGTERM}


def _listen(stop: Stop, ends: set[signal.Signals], closed: threading.Event) -> None:
    while True:
        signal.sigwait(ends)
        if closed.is_set():
            return
        stop.ask()


def _handlers() -> dict[signal.Signals, Any]:
    return {number: signal.getsignal(number) for number in _REPLACED}


def _put_back(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:  # One that was not set from Python cannot be set from there.
            signal.signal(number, handler)
