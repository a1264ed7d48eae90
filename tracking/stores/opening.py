"""The store at a tracking address: MLflow's, or that of a plug-in."""

from __future__ import annotations

from typing import cast

from memgan.errors import MemganError
from tracking.stores.reachable import knock
from tracking.stores.tracker import Tracker
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


_METHODS = tuple(name for name in vars(Tracker) if not name.startswith("_"))
