"""A bundle's `model.onnx`, from outside: looked through before anything runs it, then scored with.

A model file can name files to read, code to load and loops to run. Of these an exported detector
has none, so a file that has any is refused. torch is not needed here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from memgan.data import Pixels, Scores, check_pixels
from memgan.errors import BundleError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from memgan.detectors import Rebuilt


INPUT, SCORES, P_VALUES = "images", "scores", "p_values"
REBUILT, MAP = "rebuilt", "map"
_AT_ONCE = 256
_MOST_MEMORY = 2**32
"""Bytes for all that models compute."""
_SINGLE, _DOUBLE = "tensor(float)", "tensor(double)"
_QUIET = 4
"""Only fatal ones: what else onnxruntime would print comes as an exception too."""


class OnnxModel:
    """Scores images as the detector did that it was exported from; on the CPU, in one thread.

    BundleError, in one line, for content that is no model of ours for images of this shape. Models
    of earlier versions take images of this height and width only.
    """

    def __init__(
        self, content: bytes, image_shape: tuple[int, int, int], at_once: int = _AT_ONCE
    ) -> None:
        """image_shape: (C, H, W). at_once: images that it is given at a time, at most."""
        _look_through(content)
        import onnxruntime

        _bound_memory()
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.use_env_allocators", "1")
        # As torch is given: scorings of one thread side by side beat one of many.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its many kinds have no class in common
            raise BundleError(
                f"it is not a model that onnxruntime reads ({_line(error)})"
            ) from None
        self._shape = image_shape
        self._at_once = at_once
        self._asked = onnxruntime.RunOptions()
        self._asked.only_execute_path_to_fetches = True
        self._any_size = self._checked_input()
        self._outputs = self._checked_outputs()
        for name in self._outputs:
            self._run(name, np.zeros((1, *image_shape), dtype=np.uint8))

    def score(self, images: Pixels) -> Scores:
        """float64 (N,) for images uint8 (N, C, H, W), of any height and width where the model
        resizes itself. BundleError for others, and where a score is no number."""
        scores = np.empty(len(images))
        for part, found in self._of(SCORES, images):
            scores[part] = found
        if not np.isfinite(scores).all():
            raise BundleError("its scores are not finite; export the bundle again")
        return scores

    def rebuild(self, images: Pixels) -> Rebuilt | None:
        """float32 (N, C, H, W) in grey levels, or None where the detector rebuilds nothing."""
        if REBUILT not in self._outputs:
            return None
        rebuilt = np.empty((len(images), *self._shape), dtype=np.float32)
        for part, found in self._of(REBUILT, images):
            rebuilt[part] = found
        return rebuilt

    def maps(self, images: Pixels) -> Rebuilt | None:
        """Scores by pixel, float32 (N, H, W), or None where the model gives none."""
        if MAP not in self._outputs:
            return None
        maps = np.empty((len(images), *images.shape[2:]), dtype=np.float32)
        for part, found in self._of(MAP, images):
            maps[part] = found
        return maps

    def _of(self, output: str, images: Pixels) -> Iterator[tuple[slice, Any]]:
        wanted = self._shape
        if self._any_size and isinstance(images, np.ndarray) and images.ndim == 4:
            wanted = (self._shape[0], images.shape[2], images.shape[3])
        images = check_pixels(images, wanted)
        for part in _parts(len(images), self._at_once):
            yield part, self._run(output, images[part])

    def _run(self, output: str, images: Pixels) -> Any:
        try:
            (found,) = self._session.run([output], {INPUT: images}, self._asked)
        except Exception as error:
            raise BundleError(f"it cannot be run ({_line(error)})") from None
        count, _, height, width = images.shape
        own = (count, *self._shape)
        shapes = {MAP: (count, height, width), REBUILT: own}
        expected = shapes.get(output, (count,))
        if found.shape != expected:
            raise BundleError(f"its {output} has shape {found.shape}, expected {expected}")
        return found

    def _checked_input(self) -> bool:
        """Whether it takes images of any height and width."""
        given = [(i.name, i.type, i.shape[1:]) for i in self._session.get_inputs()]
        if given == [(INPUT, "tensor(uint8)", [self._shape[0], "H", "W"])]:
            return True
        if given != [(INPUT, "tensor(uint8)", list(self._shape))]:
            raise BundleError(f"it takes {given}, expected {INPUT}, uint8 (N, *{self._shape})")
        return False

    def _checked_outputs(self) -> list[str]:
        outputs = {o.name: o.type for o in self._session.get_outputs()}
        if self._any_size:
            more = outputs.keys() - {SCORES, P_VALUES}
            named = {SCORES, P_VALUES} <= outputs.keys() and more in (set(), {MAP}, {MAP, REBUILT})
            fits = named and set(outputs.values()) == {_SINGLE}
        else:
            others = {name: kind for name, kind in outputs.items() if name != SCORES}
            known = others in ({}, {REBUILT: _SINGLE}, {MAP: _SINGLE})
            fits = known and outputs.get(SCORES) == _DOUBLE
        if not fits:
            raise BundleError(
                f"it gives {outputs}, expected {SCORES} and {P_VALUES}, and perhaps {MAP} and"
                f" {REBUILT}, in float; or, by earlier versions, {SCORES} in double"
            )
        return [name for name in (SCORES, P_VALUES, REBUILT, MAP) if name in outputs]


@functools.cache
def _bound_memory() -> None:
    """One store of memory for all models of this process, with an end: a model of a few bytes can
    ask for any amount."""
    import onnxruntime

    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    # 1: takes what is asked for, and not the next power of two.
    bounds = onnxruntime.OrtArenaCfg({"max_mem": _MOST_MEMORY, "arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(place, bounds)


def _look_through(content: bytes) -> None:
    """BundleError where a model is more than one plain graph of standard operators."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise BundleError("it is not an ONNX file; export the bundle again") from None
    graphs = 0
    for part in _messages(model):
        if isinstance(part, onnx.TensorProto):
            if part.external_data or part.data_location == onnx.TensorProto.EXTERNAL:
                raise BundleError(f"its tensor {part.name!r} lies outside of the file")
        elif isinstance(part, onnx.NodeProto):
            if part.domain not in ("", "ai.onnx"):
                raise BundleError(f"its operator {part.domain}.{part.op_type} is not of ONNX")
        elif isinstance(part, onnx.FunctionProto):
            raise BundleError(f"it defines an operator {part.name!r} of its own")
        elif isinstance(part, onnx.GraphProto):
            graphs += 1
    if graphs != 1:
        raise BundleError("it has loops, branches or no graph at all")


def _messages(message: Message) -> Iterator[Message]:
    """All messages within a message, itself included, wherever a file may hide one."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in value if field.is_repeated else [value]:
            yield from _messages(part)


def _parts(count: int, at_once: int) -> Iterator[slice]:
    for start in range(0, count, at_once):
        yield slice(start, start + at_once)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
