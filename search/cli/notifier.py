"""Telling somebody elsewhere that a study ended, failed or waits: by a command or by HTTP.

Whatever goes wrong with that is one line, and never harms the study.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from memgan.errors import BadInput
from search.stopping import current, is_interruption

if TYPE_CHECKING:
    from search.results import GoingOn
    from search.workflow import StudyResult

VARIABLE = "MEMGAN_NOTIFY"
"""The address of a chat's webhook is a secret, which a command line would show."""
_MOST_SECONDS = 30.0
_HOW = "give a command with its arguments, or an http(s):// URL"

State = Literal["finished", "failed", "interrupted", "waiting"]


@dataclass(frozen=True)
class Notice:
    """What is told of a study."""

    study: str
    state: State
    text: str
    """One line for a person."""
    results: str
    """Where the study lies."""
    result: Mapping[str, Any] | None = None
    """Of a finished study, and of an interrupted one: what `memgan search --json` prints."""

    def document(self) -> dict[str, Any]:
        """The JSON that a command reads and a server gets; chats show its `text`."""
        return {
            "text": self.text,
            "study": self.study,
            "state": self.state,
            "results": self.results,
            "host": os.uname().nodename,
            "result": self.result,
        }

    def environment(self) -> dict[str, str]:
        """The same facts for a command that reads no JSON."""
        facts = {"STUDY": self.study, "STATE": self.state, "TEXT": self.text}
        return {f"MEMGAN_{name}": text for name, text in {**facts, "RESULTS": self.results}.items()}


class Notifier:
    """Where notices go. Made by `make_notifier`."""

    def __init__(
        self, where: str, send: Callable[[Notice, float], None], note: Callable[[str], None]
    ) -> None:
        self._where, self._send, self._note = where, send, note

    def tell(self, notice: Notice, seconds: float = _MOST_SECONDS) -> None:
        """Send a notice within some seconds; never raises, but for a wish to stop."""
        try:
            self._send(notice, min(seconds, _MOST_SECONDS))
        except Exception as error:
            reason = str(error) or type(error).__name__
            self._note(f"notify: {self._where}: {reason}; the study is not affected")


def make_notifier(given: str | None, note: Callable[[str], None]) -> Notifier | None:
    """A notifier for `given`, else for MEMGAN_NOTIFY; None where there is neither.

    note: told the line where a notice did not arrive. BadInput for a URL or a command that cannot
    be one, or that is not there.
    """
    source = "--notify" if given is not None else VARIABLE
    text = os.environ.get(VARIABLE) or None if given is None else given
    if text is None:
        return None
    text = text.strip()
    if "://" in text.partition(" ")[0]:
        return _by_post(text, source, note)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"{source}: {error}, as a shell would read it; {_HOW}") from None
    if not words:
        raise BadInput(f"{source} is empty; {_HOW}")
    if (program := shutil.which(words[0])) is None:
        shown = "such command" if _may_be_secret(words[0], source) else f"command {words[0]}"
        raise BadInput(f"{source}: there is no {shown}; {_HOW}")
    return Notifier(words[0], lambda notice, most: _run([program, *words[1:]], notice, most), note)


def _may_be_secret(word: str, source: str) -> bool:
    """Whether what is no command may be a webhook without its scheme, or a password."""
    # Path.exists raises where a name is too long, as a token may be.
    is_file = os.path.exists(word)  # noqa: PTH110
    return source == VARIABLE or "=" in word or ("/" in word and not is_file)


def _by_post(url: str, source: str, note: Callable[[str], None]) -> Notifier:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadInput(f"{source}: the URL's port or host cannot be read; {_HOW}") from None
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise BadInput(f"{source}: a URL begins with http:// or https:// and a host; {_HOW}")
    if "@" in parts.netloc:
        raise BadInput(f"{source}: a user in the URL is not sent; leave it out")
    # The rest of it may be a secret.
    shown = f"{parts.scheme}://{parts.netloc}"
    return Notifier(shown, lambda notice, most: _post(url, notice, most), note)


def _run(words: list[str], notice: Notice, seconds: float) -> None:
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=2,  # Standard output is the result's.
        env={**os.environ, **notice.environment()},
        start_new_session=True,  # The terminal's Ctrl-C is not meant for it.
    )
    try:
        process.communicate(json.dumps(notice.document()).encode(), timeout=seconds)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimeoutError(f"ended, as it took longer than {seconds:.0f} s") from None
        raise
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}")


def _post(url: str, notice: Notice, seconds: float) -> None:
    import urllib.error
    import urllib.request

    class _Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
        ) -> None:
            """What was posted would be lost on the way, and goes only where it was sent."""

    request = urllib.request.Request(
        url,
        json.dumps(notice.document()).encode(),
        {"Content-Type": "application/json", "User-Agent": "memgan"},
        method="POST",
    )
    opener = urllib.request.build_opener(_Stay)
    faults: list[str] = []

    def send() -> None:
        try:
            opener.open(request, timeout=seconds).close()
        except urllib.error.HTTPError as error:
            faults.append(f"answered {error.code} {error.reason}")
        except urllib.error.URLError as error:
            faults.append(str(error.reason))
        except Exception as error:
            faults.append(type(error).__name__)

    # The timeout is that of each step: a server that answers letter by letter would be waited for.
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    if faults:
        raise ConnectionError(" ".join(faults[0].split()))


class Ending:
    """How the command ends, as far as it is known."""

    def __init__(self, notifier: Notifier | None, going_on: GoingOn, results: str) -> None:
        self._notifier, self._going_on, self._results = notifier, going_on, results
        self.result: StudyResult | None = None
        """Set once the study has ended or was interrupted in order."""
        self._is_told = False

    def waits(self, line: str) -> None:
        """Tell that the study waits."""
        self._tell("waiting", f"is {line}")

    def tell(self, error: BaseException | None) -> None:
        """Tell how the study ended, with `error` on its way."""
        from tracking.address import one_line

        result = self.result
        if self._has_finished():
            self._tell_finished()
        elif error is not None and is_interruption(error):
            counts = result.trials if result else {}
            done = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
            self._tell("interrupted", f"was interrupted; trials: {done or 'none'}")
        elif error is not None:
            self._tell("failed", f"failed: {one_line(error)}")
        self._is_told = True

    def at_worst(self) -> None:
        """Where the process is ended before it could end in order; nothing where that was told."""
        if self._is_told:
            return
        if self._has_finished():
            self._tell_finished()
            return
        self._tell("interrupted", "was interrupted, and ended before its order was done")

    def _has_finished(self) -> bool:
        return self.result is not None and not self.result.interrupted

    def _tell_finished(self) -> None:
        assert self.result is not None
        self._tell("finished", f"finished: {self.result.report}")

    def _tell(self, state: State, what: str) -> None:
        if self._notifier is None or self._going_on.name is None:
            return
        name, result = self._going_on.name, self.result
        document = None if result is None else result.document()
        notice = Notice(name, state, f"study {name} {what}", self._results, document)
        self._notifier.tell(notice, current().seconds_left(_MOST_SECONDS))


@contextmanager
def told_of_the_end(
    given: str | None, going_on: GoingOn, results: str, note: Callable[[str], None]
) -> Iterator[Ending]:
    """A context that sends a notice when it is left, if the study's name is known by then.

    given, note: as for `make_notifier`, with its BadInput.
    """
    ending = Ending(make_notifier(given, note), going_on, results)
    current().at_worst(ending.at_worst)
    try:
        yield ending
    except BaseException as error:
        ending.tell(error)
        raise
    ending.tell(None)
