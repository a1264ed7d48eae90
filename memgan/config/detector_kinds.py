"""Detectors by what they are, for whoever has to choose one."""

from __future__ import annotations

from collections.abc import Collection

from memgan.config.detector_plugin import DETECTOR_PLUGINS
from memgan.errors import UnknownName, nearest
from memgan.plugins import INSTALL

KINDS = {
    "networks with a memory": ("memgan", "memgan-plus", "memgan-turns", "memae"),
    "networks without": ("autoencoder", "alice", "dcae", "dsvdd"),
    "networks of the papers' tables": ("ama", "alad", "anogan", "dagmm", "dsebm"),
    "no network": ("pca", "neighbours", "hog-neighbours", "ocsvm", "kde", "iforest"),
    "for small defects on photographs, with pretrained features": ("patch-memory",),
}


def unknown_detector(name: object, known: Collection[str]) -> UnknownName:
    """The fault of a detector that nobody offers, in one line: the nearest name, all that there
    are, by kind, and what to do for one of a plug-in."""
    near = nearest(str(name), known)
    hint = f"did you mean {near!r}? " if near else ""
    kinds = {kind: [n for n in names if n in known] for kind, names in KINDS.items()}
    others = sorted(set(known) - {n for names in KINDS.values() for n in names})
    listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
    plugged = f"; of plug-ins: {', '.join(others)}" if others else ""
    return UnknownName(
        f"unknown {DETECTOR_PLUGINS.kind} {name!r}; {hint}{listed}{plugged}; {INSTALL}"
    )
