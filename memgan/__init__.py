"""One-class anomaly detectors with a memory: data, training, scoring, bundles.

What is exported here is imported on first use, so that `import memgan` is free of torch. The
import keeps onnxruntime, MLflow and Ray from reporting to their makers (`memgan.no_telemetry`).
"""

import lazy_loader

from memgan.no_telemetry import silence

silence()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
