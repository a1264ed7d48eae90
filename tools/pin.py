"""Renew the exact versions in pyproject.toml: `uv run --no-project tools/pin.py`, in a checkout.

Takes the list away, resolves everything again for all Python versions that are allowed, and writes
what came out. Run the tests afterwards, and commit the change as one of its own.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
PINS = re.compile(r"(?<=^constraint-dependencies = \[\n).*?(?=^\]$)", re.DOTALL | re.MULTILINE)
EXPORT = ("uv", "export", "--all-groups", "--no-hashes", "--no-annotate", "--no-header")


def main() -> None:
    """Rewrite the list; pyproject.toml stays as it was if nothing can be resolved."""
    before = PYPROJECT.read_text(encoding="utf-8")
    if not PINS.search(before):
        raise SystemExit(f"{PYPROJECT}: no list constraint-dependencies under [tool.uv]")
    after = before
    try:
        PYPROJECT.write_text(PINS.sub("", before), encoding="utf-8")
        found = subprocess.run(
            [*EXPORT, "--no-emit-project", "--upgrade", "--quiet"],
            cwd=PYPROJECT.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        lines = sorted(line for line in found.stdout.splitlines() if "==" in line)
        pins = "".join(f'    "{line.replace(chr(34), chr(39))}",\n' for line in lines)
        after = PINS.sub(lambda _: pins, before)
    finally:
        PYPROJECT.write_text(after, encoding="utf-8")
    print(f"{len(lines)} versions pinned")


if __name__ == "__main__":
    main()
