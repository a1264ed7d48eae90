"""Files of somebody else's, beside and inside every place that memgan writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

NOTES = "my notes.txt"
ENDINGS = (".bak", "-old", "_2019.csv", ".part~", "sheet.xlsx")


@dataclass
class Foreign:
    """Files below `home`, each as it was planted: its content and its mode."""

    home: Path
    files: dict[Path, tuple[bytes, int]] = field(default_factory=dict)

    def plant(self, name: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of the user: {name}")
        path.chmod(0o640)
        self.files[path] = path.read_bytes(), path.stat().st_mode

    def plant_beside(self, *places: str) -> None:
        """Names that begin as ours do and end otherwise."""
        for ending in ENDINGS:
            for place in places:
                self.plant(f"{place}{ending}")

    def plant_everywhere(self) -> None:
        """In every folder that there is, and beside every file."""
        for folder in [path for path in self.home.rglob("*") if path.is_dir()]:
            if not any(parent in self.files for parent in folder.parents):
                self.plant(f"{(folder / NOTES).relative_to(self.home)}")

    def moved(self, home: Path) -> Foreign:
        """The same files where `home` was copied to."""
        return Foreign(
            home, {home / path.relative_to(self.home): file for path, file in self.files.items()}
        )

    def check(self) -> None:
        changed = [
            str(path.relative_to(self.home))
            for path, (content, mode) in self.files.items()
            if not path.is_file() or (path.read_bytes(), path.stat().st_mode) != (content, mode)
        ]
        assert changed == []
