"""What examples/integrate tells of a bundle: the Python program here, the page in a browser."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memgan.bundle import write_bundle
from memgan.config import Configuration
from memgan.data import load_split
from memgan.training import train_cell

ROOT = Path(__file__).resolve().parents[2]
INTEGRATE = ROOT / "examples" / "integrate"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of digit 3, with places."""
    configuration = Configuration(
        detector="pca", parameters={"components": 4}, runtime={"device": "cpu"}
    )
    split = load_split(configuration.data)
    cell = train_cell(configuration, split.development, split.test, "3", seed=0)
    folder = tmp_path_factory.mktemp("made") / "3"
    write_bundle(folder, configuration, split, [cell])
    return folder


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "3")


def run(*arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, INTEGRATE / "score.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_program_finds_the_example_as_it_must_be_and_tells_where_it_is_not(
    bundle: Path,
) -> None:
    assert run(bundle).stdout == "the example's score, p-value and map are as they must be\n"

    expected = json.loads((bundle / "example.json").read_text())
    scored = run(bundle, bundle / "example.png").stdout
    assert f"score {expected['score']:.6g}, p-value {expected['p_value']:.4g}" in scored

    (bundle / "example.json").write_text(
        json.dumps({**expected, "score": 1.01 * expected["score"]})
    )
    wrong = run(bundle)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("score ")


def test_no_part_of_memgan_is_imported() -> None:
    source = (INTEGRATE / "score.py").read_text()
    assert "import memgan" not in source
    assert "from memgan" not in source


@pytest.fixture
def page(bundle: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the page, on this machine, with the bundle beside it."""
    modules = os.environ.get("MEMGAN_NODE_MODULES")
    if not modules or shutil.which("chromium") is None:
        pytest.skip("needs Chromium, and MEMGAN_NODE_MODULES, a folder with onnxruntime-web")
    site = shutil.copytree(INTEGRATE / "browser", tmp_path / "site")
    (site / "node_modules").symlink_to(modules)
    shutil.copytree(bundle, site / "bundle")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
def test_the_page_finds_the_example_as_it_must_be(page: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            shown = browser.new_page()
            shown.goto(page)
            shown.wait_for_function("!document.querySelector('#check').textContent.includes('…')")
            assert shown.title() == "as it must be", shown.text_content("#check")
        finally:
            browser.close()
