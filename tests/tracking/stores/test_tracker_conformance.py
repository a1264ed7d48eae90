"""Every tracker runs through the suite that is offered to those of plug-ins.

MLflow's does so on real SQLite and on a real server.
"""

from __future__ import annotations

import pytest
import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, ENDPOINT_NOT_FOUND
from mlflow_servers import Server

from tracking.address import Location
from tracking.events import DataFacts
from tracking.stores.mlflow_faults import translated
from tracking.stores.tracker import Refused, Tracker, Unavailable
from tracking.testing.memory_tracker import MemoryTracker
from tracking.testing.tracker_suite import TrackerSuite


class TestOurs(TrackerSuite):
    @pytest.fixture(params=["memory", "sqlite", "server"])
    def tracker(self, request: pytest.FixtureRequest) -> Tracker:
        if request.param == "memory":
            return MemoryTracker()
        from tracking.stores.mlflow_tracker import MlflowTracker

        if request.param == "server":
            server: Server = request.getfixturevalue("server")
            return MlflowTracker(server.address)
        location: Location = request.getfixturevalue("local_record")
        return MlflowTracker(location.uri, location.artifact_root)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (sqlalchemy.exc.TimeoutError("no free connection in the pool", code="3o7r"), Unavailable),
        (sqlalchemy.exc.DBAPIError("INSERT", {}, Exception("disk I/O error")), Unavailable),
        (sqlalchemy.exc.DataError("INSERT", {}, Exception("value too long")), Refused),
    ],
)
def test_a_database_out_of_breath_is_waited_for_and_a_value_it_cannot_hold_is_not(
    fault: Exception, expected: type[Exception]
) -> None:
    # As MLflow's stores hand them on: BAD_REQUEST, whatever it was.
    with pytest.raises(expected), translated():
        raise MlflowException(fault, BAD_REQUEST)


def test_a_server_that_keeps_no_data_sets_refuses_them_for_good(
    local_record: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tracking.stores.mlflow_tracker import MlflowTracker

    def missing(*arguments: object) -> None:
        raise MlflowException("no such endpoint", ENDPOINT_NOT_FOUND)

    tracker = MlflowTracker(local_record.uri)
    monkeypatch.setattr(tracker._client, "log_inputs", missing)
    with pytest.raises(Refused, match=r"keeps no data sets of runs; it takes MLflow 2\.4"):
        tracker.log_data("0" * 32, DataFacts(name="digits", digest="abc", sizes={}))
