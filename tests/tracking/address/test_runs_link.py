"""Links to a study's runs: as training of models, in the view that the record keeps, no secrets."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from search.cli.app import app
from search.cli.search_output import where_recorded
from tracking.address.runs_link import is_server, runs_page, server_page
from tracking.outbox.outbox import Outbox

RUNS = "#/experiments/7/runs?viewStateShareKey=memgan&workflowType=machine_learning"


def test_a_servers_link_opens_the_studys_view_and_holds_no_password() -> None:
    assert runs_page("7") == RUNS
    assert server_page("http://host:5000/", "7") == f"http://host:5000/{RUNS}"
    assert server_page("https://ann:s3cret@host/mlflow", "7") == f"https://host/mlflow/{RUNS}"
    assert server_page("http://[::1]:5000") == (
        "http://[::1]:5000/#/experiments?workflowType=machine_learning"
    )
    assert [is_server(uri) for uri in ("https://host", "sqlite:///a.db", "databricks")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("uri", "line"),
    [
        ("http://ann:s3cret@host:5000", f"runs in MLflow, best first: http://host:5000/{RUNS}"),
        ("sqlite:////elsewhere/m.db", "memgan ui --tracking-uri sqlite:////elsewhere/m.db "),
        ("databricks", "recorded at databricks"),
    ],
)
def test_the_end_of_a_search_leads_to_its_runs(uri: str, line: str) -> None:
    folder = SimpleNamespace(results=Path("results"))
    result = SimpleNamespace(tracking_uri=uri, experiment_id="7", folder=folder)

    assert line in where_recorded(result)  # type: ignore[arg-type]


def test_ui_prints_the_links_of_a_server(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "studies" / "digits" / "outbox.db")
    outbox.check()
    outbox.set_fact("tracking_uri", "http://host:5000")
    outbox.set_fact("experiment_id", "7")
    command = ["ui", "--results", str(tmp_path), "--tracking-uri", "http://host:5000"]

    told = CliRunner().invoke(app, command)

    assert told.exit_code == 0
    assert told.output.splitlines() == [
        "MLflow at http://host:5000/#/experiments?workflowType=machine_learning",
        f"  digits: http://host:5000/{RUNS}",
    ]
    refused = CliRunner().invoke(app, [*command, "--port", "7000"])
    assert "goes only with a record on this machine" in str(refused.exception)
