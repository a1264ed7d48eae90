"""The README's picture of a study's report: all trials, and AUROC by class.

    memgan search --name digits
    python tools/report_picture.py results/studies/digits/export/report.html

Needs Chromium (Debian's package `chromium`, or its path in MEMGAN_CHROMIUM), which opens the file
and nothing else. The picture has 256 colours, so that it stays light.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image

OUT = Path(__file__).resolve().parents[1] / "docs" / "figures" / "report.png"
_QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_WIDTH, _MARGIN = 1180, 12
_EXTENT = """
() => {
  const top = [...document.querySelectorAll("h2")].find(h => h.textContent === "All trials");
  const end = document.querySelector("figure");
  return [top.getBoundingClientRect().top, end.getBoundingClientRect().bottom];
}
"""
"""Where the part that is shown begins and ends, in pixels from the top of the page."""


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    chromium = os.environ.get("MEMGAN_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no Chromium: install Debian's package chromium, or set MEMGAN_CHROMIUM")
    taken = Image.open(io.BytesIO(picture_of(chosen.report, chromium)))
    taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(chosen.out, optimize=True)
    print(f"wrote {chosen.out}")


def picture_of(report: Path, chromium: str) -> bytes:
    """A PNG of the part of the page that shows all trials and the first figure."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_QUIET)
        page = browser.new_page(
            viewport={"width": _WIDTH, "height": 900}, color_scheme="light", offline=True
        )
        page.goto(report.resolve().as_uri())
        top, end = page.evaluate(_EXTENT)
        clip = {
            "x": 0,
            "y": top - _MARGIN,
            "width": _WIDTH,
            "height": end - top + 2 * _MARGIN,
        }
        taken = page.screenshot(full_page=True, clip=clip)
        browser.close()
    return taken


if __name__ == "__main__":
    main()
