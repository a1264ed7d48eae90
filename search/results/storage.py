"""Where all nodes can write: a folder on a disk they share, or an address such as s3://bucket/x.

Built on pyarrow's file systems, as Ray Tune is, so what one reaches the other does. Credentials
and endpoints come from where pyarrow looks for them (for S3 the AWS_* variables, ~/.aws, or the
machine's role), on every node by itself; nothing secret travels with an object of this module.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from memgan.errors import StudyError
from tracking.address import as_address, is_address, redact


@dataclass(frozen=True)
class Storage:
    """A folder of a pyarrow file system; may be pickled. Methods raise OSError on a fault."""

    filesystem: Any
    path: str
    """Absolute on a disk; without the scheme at an address, bucket first."""

    @classmethod
    def at(cls, where: str | Path) -> Storage:
        """A local folder, or an address. StudyError for one that pyarrow does not know."""
        import pyarrow
        from pyarrow import fs

        if not is_address(where):
            return cls(fs.LocalFileSystem(), str(Path(where).absolute()))
        try:
            filesystem, path = fs.FileSystem.from_uri(as_address(where))
        except (pyarrow.ArrowInvalid, OSError) as error:
            line = str(error).strip().splitlines()[0]
            raise StudyError(
                f"{redact(as_address(where))} cannot be used ({line}); give a folder,"
                " s3://BUCKET/… or gs://BUCKET/…"
            ) from None
        if not path:
            raise StudyError(
                f"{as_address(where)} names no bucket; write s3://BUCKET/… or gs://BUCKET/…"
            )
        return cls(filesystem, path.rstrip("/"))

    def __truediv__(self, name: str) -> Storage:
        return Storage(self.filesystem, f"{self.path}/{name}")

    @property
    def local(self) -> Path | None:
        """The folder, where it lies on a disk."""
        return Path(self.path) if self.filesystem.type_name == "local" else None

    def read(self, name: str) -> bytes:
        """A file's content. FileNotFoundError where there is none."""
        with self.filesystem.open_input_stream(f"{self.path}/{name}") as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """Write a file; its folders are made."""
        path = PurePosixPath(f"{self.path}/{name}")
        self.filesystem.create_dir(str(path.parent))
        with self.filesystem.open_output_stream(str(path)) as stream:
            stream.write(content)

    def must_be_writable(self) -> None:
        """OSError where nothing can be written here."""
        name = f".probe-{secrets.token_hex(4)}"
        self.write(name, b"")
        self.remove(name)

    def written_at(self, name: str) -> float | None:
        """When a file was last written, in seconds by the storage's own clock, or None."""
        when = self.filesystem.get_file_info(f"{self.path}/{name}").mtime
        return None if when is None else float(when.timestamp())

    def names(self) -> list[str]:
        """What lies directly here, in order; nothing where the folder does not exist."""
        return sorted(info.base_name for info in self._infos(recursive=False))

    def files(self) -> list[str]:
        """All files below, as paths from here, in order."""
        found = self._infos(recursive=True)
        return sorted(i.path[len(self.path) + 1 :] for i in found if i.is_file)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        from pyarrow import fs

        path = f"{self.path}/{name}"
        if self.filesystem.get_file_info(path).type == fs.FileType.File:
            self.filesystem.delete_file(path)

    def remove_made(self, names: Iterable[str]) -> None:
        """Remove these files, and this folder if nothing is left in it."""
        for name in names:
            self.remove(name)
        self.remove_if_empty()

    def remove_if_empty(self) -> None:
        """Remove this folder if there is no file below it."""
        from pyarrow import fs

        if self.filesystem.get_file_info(self.path).type != fs.FileType.Directory:
            return
        if self.local is not None:
            if not self.names():
                self.local.rmdir()
        elif not self.files():
            # An object store has no folders; what goes are marks that pyarrow made.
            self.filesystem.delete_dir(self.path)

    def download(self, folder: Path) -> None:
        """Copy all that is here into a local folder, which is made."""
        from pyarrow import fs

        folder.mkdir(parents=True, exist_ok=True)
        fs.copy_files(
            self.path,
            str(folder),
            source_filesystem=self.filesystem,
            destination_filesystem=fs.LocalFileSystem(),
        )

    def _infos(self, *, recursive: bool) -> list[Any]:
        from pyarrow import fs

        selector = fs.FileSelector(self.path, recursive=recursive, allow_not_found=True)
        return list(self.filesystem.get_file_info(selector))
