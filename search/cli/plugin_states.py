"""Everything that other packages offer, each really imported, for `memgan doctor`."""

from __future__ import annotations

from memgan.plugins import PluginState


def plugin_states() -> list[PluginState]:
    """The plug-ins of every kind, and what is wrong with each that cannot be used."""
    from memgan.config import DETECTOR_PLUGINS
    from memgan.data import SOURCE_PLUGINS, SOURCES
    from memgan.detectors import DETECTORS
    from search.study import SAMPLER_PLUGINS, SAMPLERS
    from tracking.tracker_plugins import MLFLOWS_SCHEMES, TRACKER_PLUGINS

    return [
        *DETECTOR_PLUGINS.states(DETECTORS, _use_detector),
        *SOURCE_PLUGINS.states(SOURCES),
        *SAMPLER_PLUGINS.states(SAMPLERS),
        *TRACKER_PLUGINS.states(MLFLOWS_SCHEMES),
    ]


def _use_detector(name: str) -> None:
    from memgan.config import DETECTOR_PLUGINS
    from memgan.detectors import detector_type
    from search.study import make_space

    detector_type(name)
    plugin = DETECTOR_PLUGINS.find(name)
    if plugin is not None and plugin.space:
        make_space(name, plugin.space, {})
