from __future__ import annotations

import io

from search.progress import LiveProgress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _run(stream: io.StringIO) -> str:
    with LiveProgress(trials=4, epochs=2, stream=stream) as progress:
        progress.trial_started("0000", {}, "all")
        assert progress.seconds_left() is None
        progress.trial_epoch("0000", 1, {"mean": 0.6}, {}, 1.0, 1.0, 1.0)
        progress.trial_epoch("0000", 2, {"mean": 0.75}, {}, 1.0, 1.0, 1.0)
        progress.trial_ended("0000", "FINISHED")
        progress.trial_started("0001", {}, "all")
        assert progress.seconds_left() is not None
        return progress.text()


def test_a_terminal_shows_done_best_and_time_left() -> None:
    stream = _Terminal()
    text = _run(stream)
    assert text.startswith("1/4 trials · 1 running · best 75.00 (0000) · 0:00 left")
    assert "search" in stream.getvalue()


def test_a_pipe_stays_empty() -> None:
    stream = io.StringIO()
    _run(stream)
    assert stream.getvalue() == ""
