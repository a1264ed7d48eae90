"""The store at a tracking address: MLflow's, or that of a plug-in."""

from __future__ import annotations

from typing import cast

from memgan.errors import MemganError
from tracking.address import is_server, sqlite_file
from tracking.stores.moved_store import follow_move
from tracking.stores.quick_reader import NotQuick, QuickReader
from tracking.stores.reachable import knock
from tracking.stores.server_reader import ServerReader
from tracking.stores.sqlite_reader import SqliteReader
from tracking.stores.tracker import RecordReader, Tracker
from tracking.tracker_plugins import TRACKER_PLUGINS, plugin_scheme


def open_tracker(uri: str, artifact_root: str | None = None) -> Tracker:
    """The store at `uri`, once it answers; artifact_root: as of `MlflowTracker`.

    Unavailable where it does not answer; PluginFailed where it is a plug-in's that cannot be used.
    """
    scheme = plugin_scheme(uri)
    if scheme is not None:
        return _of_plugin(scheme, uri)
    knock(uri)
    from tracking.stores.mlflow_tracker import MlflowTracker

    return MlflowTracker(uri, artifact_root)


def open_reader(uri: str, artifact_root: str | None = None) -> RecordReader:
    """The store at `uri`, to be read from; arguments and faults as those of `open_tracker`.

    A SQLite file and a server are read without importing MLflow, which takes seconds.
    """
    if plugin_scheme(uri) is not None:
        return open_tracker(uri, artifact_root)
    knock(uri)
    try:
        quick = _quick(uri, artifact_root)
    except NotQuick:
        return open_tracker(uri, artifact_root)
    return QuickReader(quick, lambda: open_tracker(uri, artifact_root))


def _quick(uri: str, artifact_root: str | None) -> RecordReader:
    path = sqlite_file(uri)
    if path is not None:
        follow_move(uri, artifact_root)
        return SqliteReader(path)
    if is_server(uri):
        return ServerReader(uri)
    raise NotQuick


def _of_plugin(scheme: str, uri: str) -> Tracker:
    opens = TRACKER_PLUGINS.find(scheme)
    assert opens is not None
    try:
        tracker = opens(uri)
        missing = [name for name in _METHODS if not callable(getattr(tracker, name, None))]
        if missing:
            raise TypeError(f"{type(tracker).__name__} lacks {', '.join(missing)}")
    except MemganError:
        raise
    except Exception as error:  # It is other people's code.
        raise TRACKER_PLUGINS.failed(scheme, error) from error
    return cast(Tracker, tracker)


_METHODS = tuple(
    name for kind in (RecordReader, Tracker) for name in vars(kind) if not name.startswith("_")
)
