"""The README's picture of a report, and the script that takes it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tools" / "report_picture.py"


def test_the_readme_shows_a_heat_map_and_a_report_in_light_files() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("heatmaps", "report"):
        path = f"docs/figures/{name}.png"
        assert f"]({path})" in readme
        assert (ROOT / path).stat().st_size < 150_000


def test_the_page_has_what_the_script_looks_for() -> None:
    template = ROOT / "search" / "report" / "templates" / "report.html"
    page = template.read_text(encoding="utf-8")
    assert "<h2>All trials</h2>" in page
    assert page.index("<h2>All trials</h2>") < page.index("<figure ")


@pytest.mark.browser
def test_the_script_takes_the_part_of_the_page_with_all_trials(tmp_path: Path) -> None:
    if not (os.environ.get("MEMGAN_CHROMIUM") or shutil.which("chromium")):
        pytest.skip("no Chromium: install Debian's package chromium, or set MEMGAN_CHROMIUM")
    report, out = tmp_path / "report.html", tmp_path / "report.png"
    report.write_text(
        "<style>* {margin: 0} div {height: 300px}</style><div>before</div><h2>All trials</h2>"
        "<figure><div>picture</div></figure><div>after</div>"
    )
    subprocess.run([sys.executable, str(SCRIPT), str(report), "--out", str(out)], check=True)
    with Image.open(out) as picture:
        assert picture.width == 1180
        assert 300 < picture.height < 400
