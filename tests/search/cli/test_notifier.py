"""A study tells somebody elsewhere how it ended, and is never harmed by that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from memgan.errors import BadInput, MemganError
from search.cli.notifier import Ending, Notice, make_notifier, told_of_the_end

NOTICE = Notice("lines", "finished", "study lines finished: 95 %", "/r", {"trials": {"done": 2}})


class _Server(HTTPServer):
    status = 200
    got: list[tuple[str, dict[str, Any]]]


class _Chat(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def chat() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Chat)
    server.got = []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}/hook/s3cret"


def _tell(given: str, notice: Notice = NOTICE, seconds: float = 20.0) -> list[str]:
    said: list[str] = []
    notifier = make_notifier(given, said.append)
    assert notifier is not None
    notifier.tell(notice, seconds)
    return said


def test_a_command_gets_the_facts_as_json_and_in_its_environment(tmp_path: Path) -> None:
    got = tmp_path / "a file"
    script = tmp_path / "told.sh"
    script.write_text('#!/bin/sh\n{ cat; echo; echo "$MEMGAN_STUDY $MEMGAN_STATE $1"; } > "$2"\n')
    script.chmod(0o755)
    assert _tell(f"{script} 'two words $HOME' '{got}'") == []
    document, line = got.read_text().splitlines()
    assert line == "lines finished two words $HOME", "no shell reads it"
    told = json.loads(document)
    assert (told["study"], told["state"], told["result"]) == ("lines", "finished", NOTICE.result)


def test_what_a_command_prints_does_not_mix_with_the_result(capfd: Any) -> None:
    assert _tell("echo from the command") == []
    written = capfd.readouterr()
    assert (written.out, written.err) == ("", "from the command\n")


def test_a_command_that_fails_or_hangs_is_one_line() -> None:
    assert _tell("false") == ["notify: false: exit code 1; the study is not affected"]
    (line,) = _tell("sleep 600", seconds=0.1)
    assert line.startswith("notify: sleep: ended, as it took longer than")


def test_an_address_gets_the_facts_by_post(chat: _Server) -> None:
    assert _tell(_url(chat)) == []
    ((path, told),) = chat.got
    assert path == "/hook/s3cret"
    assert told["text"] == NOTICE.text, "what chats show"


@pytest.mark.parametrize(("status", "words"), [(500, "answered 500"), (302, "answered 302")])
def test_an_address_that_refuses_is_one_line_without_its_secret(
    chat: _Server, status: int, words: str
) -> None:
    chat.status = status
    (line,) = _tell(_url(chat))
    assert words in line
    assert "s3cret" not in line
    assert [path for path, _ in chat.got] == ["/hook/s3cret"], "it goes only where it was sent"


def test_an_address_where_nobody_answers_is_one_line() -> None:
    (line,) = _tell("http://127.0.0.1:9/hook")
    assert "refused" in line


@pytest.mark.parametrize(
    "given",
    ["", "no-such-command-here x", "'open", "ftp://host/x", "file:///etc/passwd", "http://",
     "http://host:x/", "https://ann:word@host/x"],
)  # fmt: skip
def test_what_cannot_notify_is_told_before_anything_begins(given: str) -> None:
    with pytest.raises(BadInput, match="--notify") as refused:
        make_notifier(given, print)
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    ["hooks.example.com/services/s3cret", " hooks.example.com/s3cret x", "TOKEN=s3cret curl",
     "\thttps://ann:s3cret@host/x", "\n ftp://host/s3cret"],
)  # fmt: skip
def test_what_may_be_a_secret_is_not_repeated(given: str) -> None:
    with pytest.raises(BadInput, match="--notify") as refused:
        make_notifier(given, print)
    assert "s3cret" not in str(refused.value)


def test_no_word_from_the_environment_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMGAN_NOTIFY", "s3cret")
    with pytest.raises(BadInput, match="MEMGAN_NOTIFY: there is no such command"):
        make_notifier(None, print)


def test_blanks_around_an_address_do_not_make_it_a_command(chat: _Server) -> None:
    assert _tell(f" \n{_url(chat)} ") == []
    assert len(chat.got) == 1


def test_the_address_may_come_from_the_environment(
    chat: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_notifier(None, print) is None
    monkeypatch.setenv("MEMGAN_NOTIFY", _url(chat))
    notifier = make_notifier(None, print)
    assert notifier is not None
    notifier.tell(NOTICE)
    assert len(chat.got) == 1


def _ended(
    chat: _Server, error: BaseException | None, result: Any = None, name: str | None = "lines"
) -> list[tuple[str, str]]:
    going_on: Any = SimpleNamespace(name=name)
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, told_of_the_end(_url(chat), going_on, "/r", print) as ending:
        ending.result = result
        if error is not None:
            raise error
    return [(told["state"], told["text"]) for _, told in chat.got]


def _result(*, interrupted: bool) -> Any:
    return SimpleNamespace(
        interrupted=interrupted, report="95 %", trials={"finished": 2, "failed": 0}, document=dict
    )


def test_each_way_to_end_is_told(chat: _Server) -> None:
    assert _ended(chat, None, _result(interrupted=False)) == [
        ("finished", "study lines finished: 95 %")
    ]
    chat.got.clear()
    assert _ended(chat, MemganError("no room")) == [("failed", "study lines failed: no room")]
    chat.got.clear()
    stopped = _ended(chat, KeyboardInterrupt(), _result(interrupted=True))
    assert stopped == [("interrupted", "study lines was interrupted; trials: 2 finished")]


def test_a_study_that_finished_stays_so_where_nobody_reads_its_table(chat: _Server) -> None:
    told = _ended(chat, BrokenPipeError(), _result(interrupted=False))
    assert [state for state, _ in told] == ["finished"]


def test_a_process_that_is_ended_at_last_does_not_take_back_what_was_told(chat: _Server) -> None:
    going_on: Any = SimpleNamespace(name="lines")
    with told_of_the_end(_url(chat), going_on, "/r", print) as ending:
        ending.result = _result(interrupted=False)
    ending.at_worst()
    assert [told["state"] for _, told in chat.got] == ["finished"]
    chat.got.clear()
    unsaid = Ending(make_notifier(_url(chat), print), going_on, "/r")
    unsaid.result = _result(interrupted=False)
    unsaid.at_worst()
    Ending(make_notifier(_url(chat), print), going_on, "/r").at_worst()
    assert [told["state"] for _, told in chat.got] == ["finished", "interrupted"]


def test_bad_input_before_there_is_a_study_tells_nobody(chat: _Server) -> None:
    assert _ended(chat, BadInput("--trials x"), name=None) == []


def test_the_search_command_notifies(tmp_path: Path, chat: _Server) -> None:
    from search.cli.app import run

    assert run(["search", "--resume", "gone", "--results", str(tmp_path), "--notify", _url(chat)])
    ((_, told),) = chat.got
    assert told["state"] == "failed"
    assert "no study 'gone'" in told["text"]
