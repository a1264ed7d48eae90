"""Where results are kept: in a folder of this machine, or at an address such as s3://…"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote

from platformdirs.unix import Unix

from memgan.errors import BadInput
from memgan.files import expanded
from tracking.address.redaction import redact
from tracking.address_form import is_store_alone, why_malformed

DEFAULT_RESULTS = Path("results")


def is_address(results: Path | str) -> bool:
    """Whether results are kept at an address such as s3://…, and not in a folder."""
    # A Path has made one slash of two already.
    return ":/" in str(results) and not str(results).startswith("file:")


def as_address(results: Path | str) -> str:
    """An address with both its slashes, and none at its end."""
    scheme, _, rest = str(results).partition(":/")
    return f"{scheme}://{rest.strip('/')}"


def local_folder(results: Path | str) -> Path:
    """The results folder on this machine: of an address, where this machine keeps its part.

    A ~ at its beginning is the user's home; file:///FOLDER is FOLDER. BadInput for the home of
    somebody who is not known, and for an address that cannot be one.
    """
    if is_store_alone(str(results)):
        raise BadInput(f"--results {results}: it names no bucket; write s3://BUCKET/…")
    if is_address(results) and (reason := why_malformed(as_address(results))):
        raise BadInput(
            f"--results {redact(as_address(results))}: {reason}; give a folder, or s3://BUCKET/…"
        )
    if not is_address(results):
        return expanded(_of_file_uri(str(results)))
    address = as_address(results)
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", address)
    short = hashlib.sha256(address.encode()).hexdigest()[:8]
    # Not the platform's own place: on macOS that is another, where no earlier study would be found.
    return Unix("memgan").user_state_path / f"{readable}-{short}"


def _of_file_uri(results: str) -> Path:
    scheme, _, rest = results.partition(":")
    if scheme != "file" or not rest.startswith("/"):
        return Path(results)
    # A Path has made one slash of several already.
    return Path("/" + unquote(rest.lstrip("/")))
