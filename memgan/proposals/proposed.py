"""From facts of the images and the machine to the values that a search begins with where the user
states none, each with its reason. Pure: nothing is read here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memgan.config import parameters_type
from memgan.proposals.sizes import GRID, Size, fitted, shown, size_range, usual

MOST_TRIALS = 1000
"""The number of trials where only time ends a study."""

_SMALL_ENOUGH = 64 * 64
"""Pixels of an image that is trained on as it is; larger ones are brought to as many."""
_SMALLER = 32 * 32
"""Pixels where there are many images and no GPU."""
_MANY_IMAGES = 20_000
"""Of all normal classes together. At 64×64 a core trains on about 125 a second."""
_FEW_IMAGES = 500
"""Training images of a class, up to which finals are calibrated by cross-fitting."""
_OF_A_BACKBONE = 224 * 224

_TINY = 16 * 16
"""Pixels of an image that the narrowest network suffices for."""
_ENOUGH_FOR_WIDE = 1000
"""Training images of a class, from which on a GPU gets a wider network."""

_FEWEST_IN_A_BATCH, _MOST_ON_A_GPU = 16, 128
_STEPS_AN_EPOCH = 8
"""Batches shrink, down to 16 images, until an epoch has so many steps."""
_STEPS, _PATIENT_STEPS = 1000, 3000
_FEW_STEPS = 200
_PATIENT = 50
"""Detectors whose own default is so many epochs learn slowly, and get more steps."""

_PIXELS_A_SECOND = 500_000
"""That a core trains MEMGAN of width 16 on, measured once by hand at 28×28 to 64×64."""
_PIXELS_OF_A_VECTOR = 150
"""What a vector of 1280 values costs, in pixels: 3400 of them a second, likewise."""
_GPU_IN_CORES = 20
_AIM_SECONDS = 3600
_SHARE_TRAINED = 0.6
"""Of all epochs; early stopping saves the rest."""
_FEWEST_TRIALS, _USUAL_TRIALS = 8, 24
_POPULATION = 12


@dataclass(frozen=True)
class DataFacts:
    """What is known of a source before any pixel is read."""

    images: int
    """Training images of a normal class; of several classes the median."""
    normal_classes: int
    """How many classes are normal ones, one after the other."""
    sizes: Mapping[Size, int]
    """How many images have which height and width."""
    only_normals: bool = False
    """Whether all images are of one class, and no test part comes with them."""


@dataclass(frozen=True)
class MachineFacts:
    """What is known of the machine."""

    cores: int
    gpu: bool
    """Whether trials are trained on a GPU."""


@dataclass(frozen=True)
class Proposal:
    """One value that was chosen."""

    key: str
    """As in a study file, with dots: "data.image_size"."""
    value: Any
    """As a study file holds it."""
    reason: str

    def line(self) -> str:
        """In one line for a reader."""
        return f"{self.key} {shown(self.value)}: {self.reason}"


@dataclass
class _Chooser:
    """The choices so far, as later ones follow from earlier ones."""

    data: DataFacts
    machine: MachineFacts
    detector: str
    stated: Mapping[str, Any]
    found: list[Proposal] = field(default_factory=list)

    def default(self, parameter: str) -> Any:
        fields = parameters_type(self.detector).model_fields
        return fields[parameter].default if parameter in fields else None

    def free(self, key: str) -> bool:
        return key not in self.stated

    def looks_through_a_backbone(self) -> bool:
        stated = any(key.startswith("fixed.features") for key in self.stated)
        return stated or self.default("features") is not None

    def sees_vectors(self) -> bool:
        """Whether what is trained by `width` and `batch_size` sees vectors in place of pixels."""
        return self.looks_through_a_backbone() or self.default("second_stage") is not None

    def put(self, key: str, value: Any, reason: str) -> None:
        self.found.append(Proposal(key, value, reason))

    def number(self, parameter: str) -> int:
        """A parameter as it was chosen, or stated; of one that is searched the detector's own."""
        key = f"fixed.{parameter}"
        chosen = {proposal.key: proposal.value for proposal in self.found}
        value = chosen.get(key, self.stated.get(key))
        return int(value) if isinstance(value, int) else int(self.default(parameter))

    def size(self) -> Size:
        """Height and width that images are trained on at."""
        chosen = {proposal.key: proposal.value for proposal in self.found}
        key = "data.image_size"
        value = chosen.get(key) or self.stated.get(key) or usual(self.data.sizes)
        return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def propose(
    data: DataFacts, machine: MachineFacts, detector: str, stated: Mapping[str, Any]
) -> tuple[Proposal, ...]:
    """What a search of these images by this detector begins with, in the order of a study file.

    stated: what the user says, by keys with dots ("data.image_size", "fixed.epochs",
    "budget.time", "scheduler.name"); a searched parameter is there under `fixed.` too. None of
    these keys is proposed, and what is proposed goes with them. UnknownName for the detector.
    """
    choose = _Chooser(data, machine, detector, stated)
    _image_size(choose)
    _use_of_few(choose)
    by_steps = isinstance(choose.default("batch_size"), int)
    if by_steps:
        _width(choose)
        _batch(choose)
        _epochs(choose)
    _trials(choose, by_steps)
    return tuple(choose.found)


def few_steps(images: int, batch_size: int, epochs: int) -> str | None:
    """A line where a training has too few steps to learn much; None where it has enough.

    images: of the normal class, to train on.
    """
    an_epoch = _steps(images, batch_size)
    if epochs * an_epoch >= _FEW_STEPS:
        return None
    wanted = math.ceil(_STEPS / an_epoch)
    return (
        f"{epochs} epochs of {images} images are {epochs * an_epoch} steps, and few detectors learn"
        f" much in so few; --epochs {wanted} makes {wanted * an_epoch}"
    )


def _image_size(choose: _Chooser) -> None:
    sizes = choose.data.sizes
    if not choose.free("data.image_size") or not sizes:
        return
    if choose.looks_through_a_backbone():
        choose.put(
            "data.image_size",
            fitted(sizes, _OF_A_BACKBONE),
            "what a frozen network sees, whatever the images have",
        )
        return
    height, width = usual(sizes)
    if min(min(size) for size in sizes) < GRID:
        return  # Whoever loads them says that they are too small.
    if len(sizes) == 1 and height * width <= _SMALL_ENOUGH:
        choose.put(
            "data.image_size",
            [height, width],
            "the size of all images, small enough to be trained on as it is",
        )
        return
    given = shown((height, width)) if len(sizes) == 1 else size_range(sizes)
    if height * width <= _SMALL_ENOUGH:
        choose.put(
            "data.image_size",
            fitted(sizes, height * width),
            f"one size near the middle of theirs, as images are {given}",
        )
        return
    all_images = choose.data.images * choose.data.normal_classes
    many = all_images > _MANY_IMAGES and not choose.machine.gpu
    why = (
        f"so that a CPU gets through {all_images} of them"
        if many
        else "as training takes time by the pixel"
    )
    choose.put(
        "data.image_size",
        fitted(sizes, _SMALLER if many else _SMALL_ENOUGH),
        f"images are {given}, and are made smaller {why}; set more for small defects",
    )


def _use_of_few(choose: _Chooser) -> None:
    """Images that nothing can be tested on train, and few images calibrate by cross-fitting."""
    if choose.data.only_normals and choose.free("data.test_fraction"):
        choose.put("data.test_fraction", 0, "none is cut off to test on, as there are no anomalies")
    if choose.data.images <= _FEW_IMAGES and choose.free("data.calibration"):
        choose.put(
            "data.calibration",
            "cross-fit",
            "so that all of few images train and calibrate; a final takes 6 trainings, with"
            " holdout 1",
        )


def _width(choose: _Chooser) -> None:
    own = choose.default("width")
    if own != 16 or not choose.free("fixed.width") or choose.sees_vectors():
        return  # Others have a published width of their own, and vectors have no size to fit.
    size = choose.size()
    images = f"{choose.data.images} images a class"
    if math.prod(size) <= _TINY:
        choose.put("fixed.width", 8, f"a narrow network suffices for images of {shown(size)}")
    elif choose.machine.gpu and choose.data.images >= _ENOUGH_FOR_WIDE:
        choose.put(
            "fixed.width",
            32,
            f"a wide network, as a GPU trains {choose.data.images} images a class",
        )
    else:
        device = "a GPU" if choose.machine.gpu else "a CPU"
        choose.put(
            "fixed.width",
            16,
            f"a medium network, for {images} of {shown(size)} on {device}",
        )


def _batch(choose: _Chooser) -> None:
    if not choose.free("fixed.batch_size"):
        return
    images, own = choose.data.images, int(choose.default("batch_size"))
    most = max(own, _MOST_ON_A_GPU) if choose.machine.gpu else own
    fitting = max(_FEWEST_IN_A_BATCH, images // _STEPS_AN_EPOCH)
    if fitting >= most:
        where = "a GPU" if choose.machine.gpu else "a CPU"
        choose.put("fixed.batch_size", most, f"as large as pays on {where}, of {images} images")
        return
    size = 2 ** int(math.log2(fitting))
    choose.put(
        "fixed.batch_size",
        size,
        f"small, so that {images} images make {_steps(images, size)} steps an epoch",
    )


def _epochs(choose: _Chooser) -> None:
    images, batch = choose.data.images, choose.number("batch_size")
    steps = _steps(images, batch)
    if choose.free("fixed.epochs"):
        own = int(choose.default("epochs"))
        wanted = _PATIENT_STEPS if own >= _PATIENT else _STEPS
        epochs = max(math.ceil(wanted / steps), min(own, 10))
        choose.put(
            "fixed.epochs",
            epochs,
            f"{steps} step{'s' * (steps > 1)} an epoch make {epochs * steps} steps; at least"
            f" {wanted} are wanted",
        )
    epochs = choose.number("epochs")
    name = choose.stated.get("scheduler.name", "asha")
    if name in ("asha", "hyperband", "median") and choose.free("scheduler.grace_epochs"):
        grace = max(1, epochs // 4)
        choose.put(
            "scheduler.grace_epochs",
            grace,
            f"no trial is stopped in the first quarter of its {epochs} epochs",
        )
    if epochs > 50 and choose.free("resources.checkpoint_epochs"):
        choose.put("resources.checkpoint_epochs", epochs // 10, "ten checkpoints a trial")


def _trials(choose: _Chooser, by_steps: bool) -> None:
    if not choose.free("budget.trials"):
        return
    if choose.stated.get("scheduler.name") == "pbt":
        choose.put("budget.trials", _POPULATION, "one population")
        return
    if choose.stated.get("budget.time") is not None:
        choose.put("budget.trials", MOST_TRIALS, "as many as end in the time that is given")
        return
    machine = choose.machine
    device = "a GPU" if machine.gpu else f"{machine.cores} core{'s' * (machine.cores > 1)}"
    if not by_steps:
        choose.put("budget.trials", _USUAL_TRIALS, "or all points, where the space has fewer")
        return
    width = choose.number("width") if choose.default("width") is not None else 16
    pixels = (
        choose.number("epochs")
        * choose.data.images
        * choose.data.normal_classes
        * (_PIXELS_OF_A_VECTOR if choose.looks_through_a_backbone() else math.prod(choose.size()))
    )
    rate = _PIXELS_A_SECOND * 16 / width * (_GPU_IN_CORES if machine.gpu else machine.cores)
    fitting = int(_AIM_SECONDS * rate / (_SHARE_TRAINED * max(1, pixels)))
    trials = min(max(fitting, _FEWEST_TRIALS), _USUAL_TRIALS)
    reason = (
        "the usual number, as a trial is small"
        if trials == _USUAL_TRIALS
        else f"fewer than the usual {_USUAL_TRIALS}, as a trial is large for {device}"
    )
    choose.put("budget.trials", trials, f"{reason}; --time-budget lets time decide")


def _steps(images: int, batch: int) -> int:
    return max(1, math.ceil(images / batch))
