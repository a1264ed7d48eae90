"""How the parts of `gpu.sh` ended, from its parts.tsv: one JSON file, and a table printed.

python benchmarks/_gpu_summary.py DIR
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

_FACTS = ("device", "driver", "cuda", "machine", "versions", "date")


def main() -> None:
    """Write summary.json in the folder; print the part that ended last."""
    folder = Path(sys.argv[1])
    document = summary(folder)
    (folder / "summary.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    last = document["parts"][-1]
    print("{part:<16} {ended:<8} {seconds:>4} s  {remark}".format(**last), flush=True)


def summary(folder: Path) -> dict[str, Any]:
    """The parts that parts.tsv names, and the facts of the machine that the newest figure tells."""
    with (folder / "parts.tsv").open(encoding="utf-8", newline="") as file:
        parts = [
            {"part": name, "ended": _ended(code), "seconds": int(seconds), "remark": remark}
            for name, code, seconds, remark in csv.reader(file, delimiter="\t")
        ]
    found = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime):
        content = _figures(path)
        found |= {fact: content[fact] for fact in _FACTS if fact in content}
    return {"benchmark": "gpu", **found, "parts": parts}


def _figures(path: Path) -> dict[str, Any]:
    """A benchmark's document; empty of any other file, as the folder may be somebody's own."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and "benchmark" in content else {}


def _ended(code: str) -> str:
    named = {"0": "passed", "skipped": "skipped", "124": "cut off", "137": "cut off"}
    return named.get(code, f"rc {code}")


if __name__ == "__main__":
    main()
