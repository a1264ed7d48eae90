"""Bundles as one folder that MLflow serves: a script, ONNX models, calibrations; no pickle."""

from __future__ import annotations

import hashlib
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from memgan.bundle import CALIBRATION, CONFIG, MODEL, BundleConfig, read_calibration
from memgan.config import parse, read_yaml
from memgan.errors import BundleError

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

_SCRIPT = Path(__file__).with_name("served_model.py")
_NEEDED = ("mlflow", "numpy", "onnxruntime", "pandas", "pillow")
_SERVED = (MODEL, CALIBRATION)


def check_bundles(bundles: Mapping[str, Path]) -> None:
    """BundleError if a bundle, by normal class, lacks what serving needs."""
    for folder in bundles.values():
        for name in (*_SERVED, CONFIG):
            if not (folder / name).is_file():
                raise BundleError(f"{folder} lacks {name}; {_what_now(folder, name)}")


def _what_now(folder: Path, lacking: str) -> str:
    if lacking == MODEL and (folder / CONFIG).is_file():
        config = parse(BundleConfig, read_yaml(folder / CONFIG), str(folder / CONFIG))
        if config.parameters.only_in_torch is not None:
            return config.parameters.only_in_torch
    return "export the study again"


def digest(bundles: Mapping[str, Path]) -> str:
    """The same for bundles that serve the same, whenever they were written.

    BundleError as by `check_bundles`.
    """
    check_bundles(bundles)
    found = hashlib.sha256()
    for normal_class, folder in sorted(bundles.items()):
        for name in _SERVED:
            content = (folder / name).read_bytes()
            found.update(f"{normal_class}/{name} {len(content)}\n".encode())
            found.update(content)
    return found.hexdigest()[:32]


def make_servable(bundles: Mapping[str, Path], folder: Path, model: Model) -> None:
    """Write `folder`, an MLflow model of these bundles, by normal class, the first the default.

    model: what MLflow knows of it already, such as its id. BadInput for damaged bundles.
    """
    import mlflow.pyfunc

    check_bundles(bundles)
    together = folder.with_name(f"{folder.name}.bundles") / "bundles"
    for normal_class, bundle in bundles.items():
        (together / normal_class).mkdir(parents=True)
        for name in _SERVED:
            shutil.copyfile(bundle / name, together / normal_class / name)
    with _quiet(), _whatever_stands_around():
        mlflow.pyfunc.save_model(
            str(folder),
            mlflow_model=model,
            python_model=str(_SCRIPT),
            artifacts={"bundles": str(together)},
            signature=_signature(bundles),
            metadata={"images": _wanted(bundles)},
            pip_requirements=[f"{package}=={version(package)}" for package in _NEEDED],
        )
    # MLflow notes where on this machine these lay, and needs to know it nowhere.
    flavor = model.flavors["python_function"]
    flavor["model_code_path"] = _SCRIPT.name
    flavor["artifacts"]["bundles"]["uri"] = flavor["artifacts"]["bundles"]["path"]
    model.save(str(folder / "MLmodel"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without MLflow's advice on input examples, and on the pip that uv's environments lack."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


@contextmanager
def _whatever_stands_around() -> Iterator[None]:
    """Without a look at the working folder: of a uv project there MLflow would take the lock and
    its hosts into the model."""
    from mlflow.environment_variables import MLFLOW_UV_AUTO_DETECT

    before = MLFLOW_UV_AUTO_DETECT.get_raw()
    MLFLOW_UV_AUTO_DETECT.set(False)
    try:
        yield
    finally:
        MLFLOW_UV_AUTO_DETECT.unset() if before is None else MLFLOW_UV_AUTO_DETECT.set(before)


def _wanted(bundles: Mapping[str, Path]) -> str:
    folder = next(iter(bundles.values()))
    shape = parse(BundleConfig, read_yaml(folder / CONFIG), str(folder / CONFIG)).image_shape
    return (
        f"(N, {shape[0]}, H, W), whole numbers from 0 to 255, or base64 of PNG or JPEG files;"
        f" resized to {shape[1]}×{shape[2]}"
    )


def _signature(bundles: Mapping[str, Path]) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    first, folder = next(iter(bundles.items()))
    rate = read_calibration(folder / CALIBRATION).false_alarm_rate
    return ModelSignature(
        # No inputs: MLflow would cut fractions to whole numbers before the script sees them.
        outputs=Schema(
            [
                ColSpec("double", "score"),
                ColSpec("double", "p_value"),
                ColSpec("boolean", "anomalous"),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("normal_class", "string", first),
                ParamSpec("false_alarm_rate", "double", rate),
            ]
        ),
    )
