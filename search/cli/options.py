"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Results = Annotated[
    Path,
    typer.Option(
        "--results", metavar="DIR|URI", help="Where studies lie: a folder, or s3://… or gs://…"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
