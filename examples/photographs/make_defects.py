"""Photographs with defects and masks, in the layout of MVTec AD, made from real pictures.

    pip install scikit-image
    python examples/photographs/make_defects.py DIR [--seed 0] [--categories brick,coin]

The pictures are those that come with scikit-image. `brick`, `grass` and `gravel` are free crops of
a texture, turned a little and lit differently; `coin` and `cup` are one object, shifted and turned
a little. Defects: scratches, stains, and blurred spots (textures) or missing pieces (objects). Each
category has 120 normal images to train on, 30 normal ones and 15 of each defect to test, 256×256
pixels in colour. The same seed gives the same images.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 256
TRAIN, GOOD, DEFECTIVE = 120, 30, 15
_SPARE = 24
"""Pixels around a crop, so that no corner is turned into it."""

Picture = np.ndarray[Any, np.dtype[np.float64]]
"""Colour, 0 to 255, (256, 256, 3)."""
Mask = np.ndarray[Any, np.dtype[np.float64]]
"""How far the defect covers each pixel, 0 to 1, (256, 256)."""
Draw = Callable[[np.random.Generator], Picture]


def pictures_folder() -> Path:
    """Where scikit-image keeps its pictures; nothing of it is imported."""
    found = find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the pictures come with scikit-image; run `pip install scikit-image`")
    return Path(next(iter(found.submodule_search_locations))) / "data"


def texture(name: str) -> Draw:
    """Free crops of one surface."""
    whole = Image.open(pictures_folder() / f"{name}.png").convert("RGB")

    def draw(rng: np.random.Generator) -> Picture:
        wide = SIDE + 2 * _SPARE
        left, top = (int(rng.integers(0, length - wide + 1)) for length in whole.size)
        crop = whole.crop((left, top, left + wide, top + wide))
        turned = np.asarray(crop.rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC), float)
        inside = turned[_SPARE:-_SPARE, _SPARE:-_SPARE]
        if rng.random() < 0.5:
            inside = inside[:, ::-1]
        return _lit(inside, rng)

    return draw


def thing(name: str, box: tuple[int, int, int, int], wide: int) -> Draw:
    """One round object, `wide` pixels across, on a belt."""
    cut = Image.open(pictures_folder() / f"{name}.png").convert("RGB").crop(box)
    cut = cut.resize((wide, wide), Image.Resampling.BICUBIC)
    shape = Image.new("L", (wide, wide), 0)
    ImageDraw.Draw(shape).ellipse((4, 4, wide - 5, wide - 5), fill=255)
    middle = (SIDE - wide) // 2

    def draw(rng: np.random.Generator) -> Picture:
        belt = Image.fromarray(_bytes(rng.normal(70, 5, (SIDE, SIDE, 3))))
        belt = belt.filter(ImageFilter.GaussianBlur(1))
        turn = rng.uniform(-6, 6)
        place = tuple(int(middle + shift) for shift in rng.integers(-5, 6, 2))
        belt.paste(
            cut.rotate(turn, Image.Resampling.BICUBIC), (place[0], place[1]), shape.rotate(turn)
        )
        return _lit(np.asarray(belt, float), rng)

    return draw


def _lit(picture: Picture, rng: np.random.Generator) -> Picture:
    """Another light, and the noise of a camera."""
    return (picture - 128) * rng.uniform(0.93, 1.07) + 128 + rng.normal(0, 4, picture.shape)


def scratch(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    (x, y), turn = _place(rng), rng.uniform(0, np.pi)
    steps = np.linspace(-1, 1, 7) * rng.uniform(20, 50)
    points = [
        (x + s * np.cos(turn) + rng.normal(0, 3), y + s * np.sin(turn) + rng.normal(0, 3))
        for s in steps
    ]
    where = _drawn(
        lambda pen: pen.line(points, fill=255, width=int(rng.integers(2, 5)), joint="curve"), 0.7
    )
    shade = np.array([25.0, 22, 20]) if rng.random() < 0.5 else np.array([235.0, 232, 225])
    return _over(picture, shade, 0.9 * where), where


def stain(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    (x, y), turns = _place(rng), np.linspace(0, 2 * np.pi, 14, endpoint=False)
    far = rng.uniform(7, 16) * rng.uniform(0.7, 1.3, len(turns))
    outline = [(x + f * np.cos(t), y + f * np.sin(t)) for f, t in zip(far, turns, strict=True)]
    where = _drawn(lambda pen: pen.polygon(outline, fill=255), 1.5)
    shade = np.array([60.0, 35, 20]) if rng.random() < 0.5 else np.array([70.0, 110, 60])
    return _over(picture, shade, 0.75 * where), where


def blur(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    (x, y), size = _place(rng), rng.uniform(18, 32)
    where = _drawn(lambda pen: pen.ellipse(_box(x, y, size, 0.8 * size), fill=255), 2)
    soft = Image.fromarray(_bytes(picture)).filter(ImageFilter.GaussianBlur(5))
    return _over(picture, np.asarray(soft, float), where), where


def missing(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    """A piece of the rim, in whose place the belt is seen."""
    turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(14, 28)
    x, y = (SIDE / 2 + 82 * way(turn) for way in (np.cos, np.sin))
    where = _drawn(lambda pen: pen.ellipse(_box(x, y, size, size), fill=255), 0.7)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    where = where * (np.hypot(rows, columns) < 92)
    return _over(picture, 70 + rng.normal(0, 5, picture.shape), where), where


CATEGORIES: dict[str, tuple[Callable[[], Draw], tuple[Callable[..., Any], ...]]] = {
    "brick": (lambda: texture("brick"), (scratch, stain, blur)),
    "grass": (lambda: texture("grass"), (scratch, stain, blur)),
    "gravel": (lambda: texture("gravel"), (scratch, stain, blur)),
    "coin": (lambda: thing("coins", (20, 30, 70, 80), 180), (scratch, stain, missing)),
    "cup": (lambda: thing("coffee", (80, 20, 440, 380), 190), (scratch, stain, missing)),
}


def make_category(folder: Path, name: str, seed: int) -> None:
    """Write one category below `folder`."""
    rng = np.random.default_rng([seed, *name.encode()])
    begin, defects = CATEGORIES[name]
    draw = begin()
    for part, count in (("train", TRAIN), ("test", GOOD)):
        for number in range(count):
            _save(draw(rng), folder / name / part / "good" / f"{number:03d}.png")
    for defect in defects:
        kind = defect.__name__
        for number in range(DEFECTIVE):
            where = np.zeros(())
            while (where > 0.5).sum() < 60:  # A piece beside the object is none.
                spoilt, where = defect(draw(rng), rng)
            _save(spoilt, folder / name / "test" / kind / f"{number:03d}.png")
            mask = folder / name / "ground_truth" / kind / f"{number:03d}_mask.png"
            _save(255.0 * (where > 0.5), mask)


def _place(rng: np.random.Generator) -> tuple[float, float]:
    turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0, 65)
    return SIDE / 2 + far * np.cos(turn), SIDE / 2 + far * np.sin(turn)


def _box(x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
    return x - wide, y - high, x + wide, y + high


def _drawn(stroke: Callable[[ImageDraw.ImageDraw], None], soften: float) -> Mask:
    layer = Image.new("L", (SIDE, SIDE), 0)
    stroke(ImageDraw.Draw(layer))
    return np.asarray(layer.filter(ImageFilter.GaussianBlur(soften)), float) / 255


def _over(picture: Picture, shade: Picture, where: Mask) -> Picture:
    return picture * (1 - where[..., None]) + shade * where[..., None]


def _bytes(picture: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return picture.clip(0, 255).round().astype(np.uint8)


def _save(picture: Picture, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_bytes(picture)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--categories", default=",".join(CATEGORIES))
    options = parser.parse_args()
    wanted = options.categories.split(",")
    if unknown := sorted(set(wanted) - set(CATEGORIES)):
        raise SystemExit(f"no such category: {unknown[0]}; known: {', '.join(CATEGORIES)}")
    if options.out.exists() and any(options.out.iterdir()):
        raise SystemExit(f"{options.out} holds files already; give a new folder")
    for name in wanted:
        make_category(options.out, name, options.seed)
        print(f"{options.out / name}: {TRAIN} to train on, {GOOD} good and 3 × {DEFECTIVE} to test")


if __name__ == "__main__":
    main()
