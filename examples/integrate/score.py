"""Score images with a bundle's `model.onnx`, without memgan: numpy, onnxruntime and Pillow.

    python score.py BUNDLE             check that the bundle's example gets the score it must get
    python score.py BUNDLE IMAGE…      score images of any size

Nothing is resized or scaled here; the model does it all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image, ImageOps

Outputs = dict[str, npt.NDArray[np.float32]]


def open_model(bundle: Path) -> Any:
    """The model of a bundle."""
    return onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])


def pixels(path: Path, channels: int) -> npt.NDArray[np.uint8]:
    """A file with eight bits a channel as uint8 (1, C, H, W), at its own size."""
    picture = ImageOps.exif_transpose(Image.open(path))
    values = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    return values[None, None] if channels == 1 else values.transpose(2, 0, 1)[None]


def judged(model: Any, images: npt.NDArray[np.uint8]) -> Outputs:
    """`scores` and `p_values`, (N,); where the detector knows places, `map`, (N, H, W)."""
    wanted = [output.name for output in model.get_outputs() if output.name != "rebuilt"]
    return dict(zip(wanted, model.run(wanted, {"images": images}), strict=True))


def check(bundle: Path) -> str:
    """What is wrong with the example of a bundle here; empty where nothing is."""
    expected = json.loads((bundle / "example.json").read_text(encoding="utf-8"))
    model = open_model(bundle)
    found = judged(model, pixels(bundle / expected["image"], expected["channels"]))
    tolerance = expected["relative_tolerance"]
    if not np.isclose(found["scores"][0], expected["score"], rtol=tolerance):
        return f"score {found['scores'][0]}, expected {expected['score']}"
    if not np.isclose(found["p_values"][0], expected["p_value"], rtol=tolerance):
        return f"p-value {found['p_values'][0]}, expected {expected['p_value']}"
    if "map" in expected:
        there = np.load(bundle / expected["map"]["file"], allow_pickle=False)
        gap = float(np.abs(found["map"][0] - there).max())
        if gap > tolerance * expected["map"]["peak"]["value"]:
            return f"the map differs by up to {gap}"
    return ""


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bundle = Path(sys.argv[1])
    if not sys.argv[2:]:
        wrong = check(bundle)
        sys.exit(wrong or print("the example's score, p-value and map are as they must be"))
    model = open_model(bundle)
    channels = model.get_inputs()[0].shape[1]
    for name in sys.argv[2:]:
        found = judged(model, pixels(Path(name), channels))
        print(f"{name}: score {found['scores'][0]:.6g}, p-value {found['p_values'][0]:.4g}")


if __name__ == "__main__":
    main()
