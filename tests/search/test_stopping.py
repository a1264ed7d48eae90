"""What a process does that is asked to stop: each script here is one, and says what it did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

BEGIN = """
import os, signal, subprocess, sys, threading, time
from search import stopping
from search.stopping import handlers_kept, stoppable

def tell(word):
    print(word, flush=True)

def wait_for_signal():
    for _ in range(1200):
        time.sleep(0.1)
"""


class Script:
    """A running script; `until` reads what it says."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN + script],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until(self, word: str) -> None:
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line.strip())
            if said[-1] == word:
                return
        pytest.fail(f"ended with {self.process.wait()} after {said}, never said {word!r}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def ends(self) -> int:
        return self.process.wait(timeout=120)


def test_sigterm_is_ctrl_c_though_a_library_takes_the_handler() -> None:
    script = Script("""
with stoppable():
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(15))
    try:
        tell("ready")
        wait_for_signal()
    except KeyboardInterrupt:
        tell("in order")
        sys.exit(130)
""")
    script.until("ready")
    script.signal(signal.SIGTERM)
    script.until("in order")
    assert script.ends() == 130


def test_processes_started_meanwhile_outlive_the_groups_sigterm() -> None:
    script = Script("""
with stoppable():
    child = subprocess.Popen(["sleep", "600"])
    try:
        tell("ready")
        wait_for_signal()
    except KeyboardInterrupt:
        status = open(f"/proc/{child.pid}/status").read()
        pending = [line for line in status.splitlines() if line.startswith("ShdPnd")]
        tell("alive" if child.poll() is None and int(pending[0].split()[1], 16) else "gone")
        child.kill()
        sys.exit(130)
""")
    script.until("ready")
    os.killpg(script.process.pid, signal.SIGTERM)
    script.until("alive")
    assert script.ends() == 130


def test_later_signals_do_not_cut_the_orderly_end() -> None:
    script = Script("""
with stoppable(process_ends=True):
    try:
        tell("ready")
        wait_for_signal()
    except KeyboardInterrupt:
        tell("ending")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        time.sleep(0.2)
        tell("in order")
        sys.exit(130)
""")
    script.until("ready")
    script.signal(signal.SIGTERM)
    script.until("ending")
    script.until("in order")
    assert script.ends() == 130


def test_a_process_that_hangs_says_its_last_words_and_ends() -> None:
    script = Script("""
stopping.SECONDS_TO_END = 1.5
with stoppable(process_ends=True) as stop:
    stop.at_worst(lambda: tell("last words"))
    while True:
        try:
            tell("ready")  # Inside, as the signal may come at once.
            wait_for_signal()
        except KeyboardInterrupt:
            pass
""")
    script.until("ready")
    script.signal(signal.SIGTERM)
    script.until("last words")
    assert script.ends() == 130


def test_what_is_short_is_done_whole() -> None:
    script = Script("""
with stoppable() as stop:
    with stop.held():
        tell("ready")
        while not stop.asked:
            time.sleep(0.01)
        time.sleep(0.2)
        tell("whole")
    sys.exit(0 if stop.asked else 1)
""")
    script.until("ready")
    script.signal(signal.SIGINT)
    script.until("whole")
    assert script.ends() == 0


def test_ctrl_c_that_a_shell_script_ignores_stays_ignored_and_sigterm_counts() -> None:
    script = Script("""
signal.signal(signal.SIGINT, signal.SIG_IGN)
with stoppable():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        tell("ready")
        wait_for_signal()
    except KeyboardInterrupt:
        tell("in order")
""")
    script.until("ready")
    script.signal(signal.SIGTERM)
    script.until("in order")
    assert script.ends() == 0


def test_handlers_and_mask_are_put_back() -> None:
    script = Script("""
before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
with stoppable():
    assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
tell("ready")
wait_for_signal()
""")
    script.until("ready")
    script.signal(signal.SIGTERM)
    assert script.ends() == -signal.SIGTERM
