"""Walk through memgan as four kinds of user do, from a clean clone, and keep what they see.

    python examples/journeys/walk.py CAPTURES [--journeys laptop,photographs,plugin,servers]

Each command is typed into a terminal (tmux). Its screen is written to CAPTURES as text, and pages
are pictures that headless Chromium takes. A command that ends otherwise than it should ends the
walk. Needs git, uv, tmux, Chromium (or its path in MEMGAN_CHROMIUM), and playwright in Python.
--clone takes a clone that has its `.venv` already.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PROMPT = re.compile(r"^\[(\d+) (\d+)\] \$\s*$")
"""How many commands there were, and the exit code of the last."""
_KEPT = re.compile(r"(HOME|TMPDIR|UV_|SSL_|.*_CA_BUNDLE|.*_proxy$)", re.IGNORECASE)
"""What of the environment uv may need to reach its packages."""
_BROWSER = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class WalkEnded(Exception):
    """A command did otherwise than a user is promised."""


class Terminal:
    """A shell in tmux, in `folder`, with the clone's programs; its screens are kept."""

    def __init__(self, clone: Path, folder: Path, captures: Path, **environment: str) -> None:
        self._socket = f"walk-{os.getpid()}-{folder.name}"
        self._captures = captures
        self._count = 0
        self.clone = clone
        self.folder = folder
        captures.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        known = {key: value for key, value in os.environ.items() if _KEPT.match(key)}
        variables = {
            **known,
            "PATH": f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(clone / ".venv"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PS1": r"[\# $?] $ ",
            **environment,
        }
        shell = ["env", "-i", *(f"{k}={v}" for k, v in variables.items())]
        command = shlex.join([*shell, "bash", "--norc", "--noprofile"])
        self._tmux("new-session", "-d", "-x", "100", "-y", "45", "-c", str(folder), command)
        self._tmux("set", "-g", "history-limit", "20000")
        self._until(lambda: self._prompt() is not None, 60)

    def run(self, name: str, command: str, *, code: int = 0, seconds: float = 3600) -> str:
        """Type a command, wait for its end, keep the screen; what it printed."""
        self.start(command)
        return self.ended(name, code=code, seconds=seconds)

    def start(self, command: str) -> None:
        """Type a command."""
        self._tmux("send-keys", "C-l")
        time.sleep(0.5)
        self._tmux("clear-history")
        before = self._prompt()
        assert before is not None, "another command still runs"
        self._count = before[0]
        self._tmux("send-keys", "-l", command)
        self._tmux("send-keys", "Enter")

    def ended(self, name: str, *, code: int = 0, seconds: float = 3600) -> str:
        """Wait for the end of the command that was typed, keep the screen."""
        self._until(lambda: (self._prompt() or (self._count, 0))[0] > self._count, seconds)
        text = self.keep(name)
        found = self._prompt()
        if found is None or found[1] != code:
            raise WalkEnded(f"{name}: exit code {found and found[1]}, and not {code}\n{text}")
        return text

    def until(self, words: str, seconds: float = 600) -> None:
        """Wait until the screen shows these words."""
        self._until(lambda: re.search(words, self.screen()) is not None, seconds)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._tmux("send-keys", "C-c")

    def keep(self, name: str) -> str:
        """Write what is seen, and what was scrolled away, to a file."""
        text = self.screen()
        number = len(list(self._captures.glob("*.txt"))) + 1
        path = self._captures / f"{number:02d}-{name}.txt"
        path.write_text(text, encoding="utf-8")
        print(f"  {path}", flush=True)
        return text

    def screen(self) -> str:
        """The screen and what was scrolled away."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-").rstrip() + "\n"

    def close(self) -> None:
        """End the shell and what runs in it."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")

    def _prompt(self) -> tuple[int, int] | None:
        lines = self.screen().splitlines()
        found = _PROMPT.match(lines[-1]) if lines else None
        return (int(found[1]), int(found[2])) if found else None

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise WalkEnded(f"nothing more came within {seconds:.0f} s\n{self.screen()}")
            time.sleep(0.3)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def laptop(terminal: Terminal, picture: Callable[[str, str], None]) -> None:
    """New to it: digits, Ctrl-C and resume, compare, export, verify, score."""
    terminal.run("doctor", "memgan doctor")
    terminal.start("memgan search --name digits-quick --trials 3 --epochs 4 --final-seeds 1")
    terminal.until("[1-9] in training")
    terminal.keep("search-live")
    terminal.interrupt()
    terminal.ended("search-interrupted", code=130)
    terminal.run("status", "memgan studies status digits-quick")
    terminal.run("resumed", "memgan search --resume digits-quick")
    terminal.run("extended", "memgan search --resume digits-quick --trials 6")
    terminal.run("pca", "memgan search --detector pca --name digits-pca")
    terminal.run("studies", "memgan studies list")
    terminal.run("compare", "memgan compare digits-quick digits-pca")
    terminal.run("export", "memgan export digits-quick --out best-digits")
    terminal.run("verify", "memgan train best-digits/best.yaml --verify")
    _write_digit(terminal.folder / "photo.png")
    terminal.run("score", "memgan score best-digits/bundles/3 photo.png --out scores.csv")
    terminal.run("scores", "cat scores.csv")
    report = terminal.folder / "results/studies/digits-quick/export/report.html"
    picture(report.as_uri(), "report")


def photographs(terminal: Terminal, picture: Callable[[str, str], None]) -> None:
    """A folder of photographs, as in the README; made by the example, without network."""
    make = f"examples/photographs/make_defects.py {terminal.folder}/made --categories coin"
    uv = "uv run --with scikit-image python"
    terminal.run("make", f"(cd {terminal.clone} && {uv} {make})")
    shutil.copytree(terminal.folder / "made/coin/train/good", terminal.folder / "photos/good")
    shutil.copytree(terminal.folder / "made/coin/test/scratch", terminal.folder / "new-photos")
    terminal.run("check", "memgan data check ./photos --normal-class good")
    search = "memgan search --data ./photos --normal-class good --detector patch-memory"
    terminal.start(f"time {search} --name photos")
    terminal.until("[1-9] in training")
    terminal.keep("search-live")
    terminal.ended("search", seconds=7200)
    bundle = "results/studies/photos/export/bundles/good"
    terminal.run("score", f"memgan score {bundle} ./new-photos --out scores.csv --heatmaps maps")
    terminal.run("scores", "head -5 scores.csv; ls maps")
    picture((terminal.folder / "results/studies/photos/export/report.html").as_uri(), "report")
    picture(sorted((terminal.folder / "maps").rglob("*.png"))[0].as_uri(), "heatmap")


def plugin(terminal: Terminal, picture: Callable[[str, str], None]) -> None:
    """A detector from another package, copied from the example."""
    shutil.copytree(terminal.clone / "examples" / "plugin", terminal.folder / "mine")
    terminal.run("unknown", "memgan search --detector mean-image --name first", code=2)
    terminal.run("install", 'uv pip install -e "mine[test]"', seconds=900)
    try:
        terminal.run("suite", "(cd mine && pytest)")
        terminal.run("doctor", "memgan doctor")
        terminal.run("search", "memgan search --detector mean-image --name first")
    finally:
        terminal.run("uninstall", "uv pip uninstall memgan-mean-image")
    picture((terminal.folder / "results/studies/first/export/report.html").as_uri(), "report")


def servers(terminal: Terminal, picture: Callable[[str, str], None]) -> None:
    """A server for the record: search against it, its link, the registry, and a served model."""
    record, model = (_free_port() for _ in "rm")
    served = (
        f"mlflow server --host 127.0.0.1 --port {record} --backend-store-uri sqlite:///server.db"
        " --artifacts-destination ./artifacts"
    )
    terminal.run("server", f"{served} > server.log 2>&1 &")
    _wait(f"http://127.0.0.1:{record}/health")
    terminal.run("export", f"export MLFLOW_TRACKING_URI=http://127.0.0.1:{record}")
    search = "memgan search --name served --trials 2 --epochs 2 --final-seeds 1"
    text = terminal.run("search", search)
    found = re.search(r"http://127\.0\.0\.1:\d+/#\S+", re.sub(r"\n(?=\S*&)", "", text))
    if found is None:
        raise WalkEnded(f"no link to the runs\n{text}")
    picture(found[0], "runs")
    terminal.run("ui", "memgan ui")
    terminal.run("compare", "memgan compare served")
    terminal.run("register", "memgan export served --register digits")
    serve = f"mlflow models serve -m models:/digits@champion --env-manager local --port {model}"
    terminal.run("serve", f"{serve} > serve.log 2>&1 &")
    _wait(f"http://127.0.0.1:{model}/ping")
    image = [[[0, 120, 16 * row + 10, 60 + row, 200, 0, 0, 0] for row in range(8)]]
    body = f'{{"inputs": [{image}], "params": {{"normal_class": "3"}}}}'
    (terminal.folder / "image.json").write_text(body)
    ask = f"curl -s http://127.0.0.1:{model}/invocations -H 'Content-Type: application/json'"
    terminal.run("scored", f"{ask} -d @image.json; echo")
    terminal.run("ended", "kill %1 %2; wait", seconds=60)


JOURNEYS = {
    "laptop": laptop,
    "photographs": photographs,
    "plugin": plugin,
    "servers": servers,
}


def _write_digit(path: Path) -> None:
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digit = load_digits().images[3] * 255 / 16
    Image.fromarray(digit.round().astype(np.uint8)).save(path)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(address):
            return
        if time.monotonic() > deadline:
            raise WalkEnded(f"nobody answers at {address}")
        time.sleep(1)


@contextlib.contextmanager
def _pictures(captures: Path) -> Iterator[Callable[[str, str], None]]:
    from playwright.sync_api import sync_playwright

    program = os.environ.get("MEMGAN_CHROMIUM") or shutil.which("chromium")

    def take(address: str, name: str) -> None:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=_BROWSER)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            page.goto(address, wait_until="load", timeout=120_000)
            page.wait_for_timeout(10_000 if address.startswith("http") else 1000)
            path = captures / f"{name}.png"
            page.screenshot(path=path, full_page=address.startswith("file"))
            browser.close()
        print(f"  {path}", flush=True)

    yield take


def _clone(folder: Path) -> Path:
    clone = folder / "memgan"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    subprocess.run(["uv", "sync", "-q"], cwd=clone, check=True)
    return clone


def main() -> None:
    """Walk the journeys that are asked for, one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("captures", type=Path, metavar="CAPTURES")
    parser.add_argument("--journeys", default=",".join(JOURNEYS))
    parser.add_argument("--clone", type=Path, help="A clone with its .venv; else one is made.")
    options = parser.parse_args()
    wanted = options.journeys.split(",")
    if unknown := sorted(set(wanted) - set(JOURNEYS)):
        raise SystemExit(f"no such journey: {unknown[0]}; known: {', '.join(JOURNEYS)}")
    home = Path(tempfile.mkdtemp(prefix="walk-"))
    clone = options.clone.resolve() if options.clone else _clone(home)
    print(f"walking in {home}", flush=True)
    for name in wanted:
        began = time.monotonic()
        captures = (options.captures / name).resolve()
        terminal = Terminal(clone, home / name, captures)
        try:
            with _pictures(captures) as picture:
                JOURNEYS[name](terminal, picture)
        except WalkEnded as error:
            sys.exit(f"{name}: {error}")
        finally:
            terminal.close()
        print(f"{name}: walked in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
