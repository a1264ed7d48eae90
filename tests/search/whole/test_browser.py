"""The MLflow UI on a finished study, in a real browser (marker `browser`).

Needs Chromium (Debian's package `chromium`, or MEMGAN_CHROMIUM). With MEMGAN_SCREENSHOTS=DIR the
pages that the guide shows are written there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

_MAIN = "from search.cli import main; main()"
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_EXPANDER = ".ag-row [data-component-id$='runnamecellrenderer.tsx_46']"
TRIALS, SEEDS = 6, 2
_SORTED = """
count => {
  const cells = document.querySelectorAll(
    ".ag-center-cols-container .ag-row [col-id*='val_auroc/mean']");
  // The grid's rows stand in the document in any order.
  const figures = [...cells]
    .map(cell => [Number(cell.closest(".ag-row").getAttribute("row-index")),
                  parseFloat(cell.innerText)])
    .filter(([, figure]) => !isNaN(figure))
    .sort(([one], [other]) => one - other)
    .map(([, figure]) => figure);
  return figures.length === count && figures.every((x, i) => i === 0 || figures[i - 1] >= x);
}
"""
"""Whether these many figures stand in the order of the sort."""


_TITLES = """
() => {
  const titles = [...document.querySelectorAll("*")].filter(
    part => !part.closest("svg") && part.childElementCount === 0
      && ["val_auroc/mean", "Parallel Coordinates"].includes(part.textContent));
  return titles.slice(0, 3).map(part => part.textContent).join()
    === "val_auroc/mean,Parallel Coordinates,Parallel Coordinates";
}
"""
"""Whether these are the first charts; what is written within one is not its title."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study of digits."""
    folder = tmp_path_factory.mktemp("home")
    arguments = f"search --name digits --trials {TRIALS} --epochs 10 --final-seeds {SEEDS}".split()
    subprocess.run([sys.executable, "-c", _MAIN, *arguments], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def link(home: Path) -> Iterator[str]:
    """The address that `memgan ui` prints for the study, with the UI up."""
    ui = subprocess.Popen(
        [sys.executable, "-u", "-c", _MAIN, "ui"],
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert ui.stdout is not None
        address = next(line.split()[-1] for line in ui.stdout if line.startswith("  digits"))
        _wait(address.partition("#")[0])
        yield address
    finally:
        os.killpg(ui.pid, signal.SIGTERM)
        ui.wait(30)


@pytest.fixture
def page(link: str) -> Iterator[Page]:
    """A browser's page; whatever it asks of another machine is refused, and fails the test."""
    chromium = os.environ.get("MEMGAN_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install Debian's package chromium, or set MEMGAN_CHROMIUM")
    from playwright.sync_api import sync_playwright

    strangers: list[str] = []

    def local_only(route: Route) -> None:
        if route.request.url.startswith(link.partition("#")[0]):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_QUIET)
        page = browser.new_page(viewport={"width": 1500, "height": 800})
        page.route(re.compile("^https?://"), local_only)
        page.set_default_timeout(30_000)
        yield page
        browser.close()
    assert strangers == []


def test_a_study_can_be_found_sorted_compared_and_its_final_looked_at(
    page: Page, link: str
) -> None:
    page.goto(_nested(link))
    page.get_by_role("button", name="Close").click()  # MLflow's assistant
    page.locator(_EXPANDER).first.click()
    for number in range(TRIALS):
        page.get_by_role("link", name=f"trial {number:04d}").wait_for()
    for seed in range(SEEDS):
        page.get_by_role("link", name=f"final all seed {seed}").wait_for()

    _shot(page, "mlflow-study")

    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function(_SORTED, arg=TRIALS + 1)
    _shot(page, "mlflow-sorted")

    trials = page.get_by_role("row").filter(has=page.get_by_role("link", name="trial "))
    for number in range(3):
        trials.nth(number).locator(".ag-selection-checkbox input").check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Comparing 3 Runs from 1 Experiment").wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    chosen = page.locator("[class*='selection-item']").filter(has_text="val_auroc")
    chosen.first.wait_for()
    assert {text.strip() for text in chosen.all_inner_texts()} == {"val_auroc/mean"}
    _shot(page, "mlflow-compare")

    page.goto(link)
    page.get_by_role("link", name="final all seed 0").click()
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("figures", exact=True).click()
    page.get_by_text("roc.png").click()
    picture = page.locator("img[src*='roc'], img[src^='blob:']").first
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 400
    # Where the artifact lies on this machine is nobody else's business.
    page.get_by_text("Path: file:").evaluate("text => text.style.visibility = 'hidden'")
    _shot(page, "mlflow-final")


def test_a_study_is_described_and_its_report_is_one_click_away(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Close").click()  # MLflow's assistant
    page.get_by_text("memgan on digits").first.wait_for()  # The experiment's own description.
    page.get_by_role("row").get_by_role("link", name="digits", exact=True).click()
    page.get_by_text("Show more").click()
    page.get_by_role("cell", name="mean", exact=True).wait_for()
    page.get_by_text("learning_rate", exact=True).first.wait_for()
    page.get_by_text("digits (", exact=False).first.wait_for()  # The data set, with its digest.
    _shot(page, "mlflow-description")

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report with all trials").click()
    report = opened.value.frame_locator("iframe").get_by_role("heading", name="AUROC by class")
    report.wait_for()


def test_the_mean_is_the_first_chart_and_all_classes_are_one(page: Page, link: str) -> None:
    page.goto(f"{link}&compareRunsMode=CHART")
    page.get_by_role("button", name="Close").click()  # MLflow's assistant
    page.set_viewport_size({"width": 1500, "height": 1150})  # Charts are drawn once they are seen.
    page.wait_for_function(_TITLES)
    axes = page.locator("svg text.label")
    axes.nth(10).wait_for()
    by_class = [f"val_auroc/{number}" for number in range(10)]
    assert axes.all_text_contents()[:11] == [*by_class, "val_auroc/mean"]
    _shot(page, "mlflow-charts")


def _nested(link: str) -> str:
    """The same runs below that of their study, as MLflow shows them without a view."""
    return re.sub("viewStateShareKey=[^&]*&", "", link)


def _shot(page: Page, name: str) -> None:
    folder = os.environ.get("MEMGAN_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(1500)  # for charts that are still moving
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


def _wait(address: str) -> None:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=Retry(connect=40, backoff_factor=0.2)))
        session.get(f"{address}health", timeout=30).raise_for_status()
