"""Images with small defects, drawn from a seed: what a made anomaly must stand for on a line.

`part` is an aligned object on a belt, shifted and turned a little; `texture` a free crop of a
wall. Defects cover 0.4 to 2.5 % of an image: scratches, stains, and chips (part) or blurred spots
(texture). To look at them, as PNG files in folders that `memgan data check` reads:

    python benchmarks/local_defects.py DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from memgan.data import LabeledImages, Source

_DRAWN, SIDE = 256, 64
"""Pixels a side: as they are drawn, and as they are given."""
_TRAIN, _TEST = {"good": 400, "defect": 40}, {"good": 150, "defect": 50}
"""Images of a part; defects by kind."""
_COVERS = (0.004, 0.025)
"""Share of an image that a defect may cover."""

Picture = np.ndarray[Any, np.dtype[np.float64]]
"""Grey levels 0 to 255, (_DRAWN, _DRAWN)."""
Draw = Callable[[np.random.Generator], Picture]


def make_source(kind: str, seed: int = 0) -> Source:
    """`part` or `texture` with official parts: grey images, uint8 (N, 1, 64, 64), of the class
    "good" and of one class a kind of defect. The same seed gives the same images."""
    rng = np.random.default_rng([seed, *kind.encode()])
    draw = {"part": _part, "texture": _texture}[kind](rng)
    names = ("good", *DEFECTS[kind])

    def part(counts: dict[str, int]) -> LabeledImages:
        images, labels = [], []
        for label, name in enumerate(names):
            for _ in range(counts["good" if name == "good" else "defect"]):
                picture = draw(rng)
                if name != "good":
                    picture = _spoilt(picture, DEFECTS[kind][name], rng)
                images.append(_small(picture))
                labels.append(label)
        return LabeledImages(np.stack(images)[:, None], np.array(labels, np.int64), names)

    return Source(kind, part(_TRAIN), part(_TEST))


def _part(rng: np.random.Generator) -> Draw:
    """A disc with a rim, spokes, holes and a grain of its own, the same in every image."""
    rows, columns = np.mgrid[:_DRAWN, :_DRAWN] - (_DRAWN - 1) / 2
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    relief = 150 + 25 * np.cos(5 * angle) * (radius < 70) + 30 * ((radius > 78) & (radius < 86))
    relief += 12 * _grain(rng, 6) + 8 * _grain(rng, 2)
    for turn in rng.uniform(0, 2 * np.pi, 3):
        hole = np.hypot(rows - 50 * np.sin(turn), columns - 50 * np.cos(turn)) < 9
        relief = np.where(hole, 45, relief)
    disc = Image.fromarray(np.where(radius < 92, relief, 0).astype(np.float32))
    mask = Image.fromarray((radius < 92).astype(np.float32))

    def draw(rng: np.random.Generator) -> Picture:
        belt = rng.normal(70, 3) + 4 * _grain(rng, 1)
        turn, shift = rng.uniform(-6, 6), tuple(int(n) for n in rng.integers(-5, 6, 2))
        moved, where = (
            np.asarray(of.rotate(turn, Image.Resampling.BICUBIC, translate=shift), float)
            for of in (disc, mask)
        )
        where = where.clip(0, 1)
        lit = (belt * (1 - where) + moved * where) * rng.uniform(0.93, 1.07)
        return lit + rng.normal(0, 3, lit.shape)

    return draw


def _texture(rng: np.random.Generator) -> Draw:
    """A wall of bricks, each of its own grey, from which crops are cut anywhere."""
    side, tall, wide, joint = 3 * _DRAWN, 40, 90, 6
    rows, columns = np.mgrid[:side, :side]
    course = rows // tall
    along = columns + (course % 2) * wide // 2
    greys = rng.normal(140, 14, (side // tall + 2, side // wide + 3))
    wall = greys[course, along // wide]
    wall = np.where((rows % tall < joint) | (along % wide < joint), 85, wall)
    grain = np.tile(_grain(rng, 2), (3, 3)) * 10
    image = Image.fromarray((wall + grain).astype(np.float32))

    def draw(rng: np.random.Generator) -> Picture:
        spare = 16  # So that no corner is turned into the picture.
        left, top = (int(n) for n in rng.integers(spare, side - _DRAWN - spare, 2))
        around = (left - spare, top - spare, left + _DRAWN + spare, top + _DRAWN + spare)
        turned = image.crop(around).rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC)
        crop = np.asarray(turned, float)[spare:-spare, spare:-spare]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return (crop - 128) * rng.uniform(0.9, 1.1) + 128 + rng.normal(0, 6, crop.shape)

    return draw


def _grain(rng: np.random.Generator, blur: float) -> Picture:
    """Noise of this coarseness with a spread of one."""
    soft = gaussian_filter(rng.normal(0, 1, (_DRAWN, _DRAWN)), blur, mode="wrap")
    return (soft - soft.mean()) / soft.std()


def _spoilt(
    picture: Picture, defect: Callable[..., tuple[Picture, Picture]], rng: np.random.Generator
) -> Picture:
    """The picture with a defect that covers as much as one may."""
    while True:
        changed, where = defect(picture, rng)
        if _COVERS[0] <= (where > 0.5).mean() <= _COVERS[1]:
            return changed


def _middle(rng: np.random.Generator) -> tuple[float, float]:
    turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0, 65)
    return _DRAWN / 2 + far * np.cos(turn), _DRAWN / 2 + far * np.sin(turn)


def _scratch(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    (x, y), turn, length = _middle(rng), rng.uniform(0, np.pi), rng.uniform(25, 55)
    steps = np.linspace(-length, length, 7)
    points = [
        (x + s * np.cos(turn) + rng.normal(0, 3), y + s * np.sin(turn) + rng.normal(0, 3))
        for s in steps
    ]
    mask = Image.new("L", (_DRAWN, _DRAWN), 0)
    width = int(rng.integers(3, 6))
    ImageDraw.Draw(mask).line(points, fill=255, width=width, joint="curve")
    return _over(picture, mask, 0.7, 0.9, 25 if rng.random() < 0.6 else 235)


def _stain(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    (x, y), size = _middle(rng), rng.uniform(8, 17)
    turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    far = size * rng.uniform(0.7, 1.3, len(turns))
    mask = Image.new("L", (_DRAWN, _DRAWN), 0)
    outline = [(x + r * np.cos(t), y + r * np.sin(t)) for r, t in zip(far, turns, strict=True)]
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return _over(picture, mask, 1.5, 0.7, 45 if rng.random() < 0.5 else 215)


def _chip(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """A piece missing at the rim, through which the belt is seen."""
    turn, size = rng.uniform(0, 2 * np.pi), rng.uniform(10, 19)
    x, y = _DRAWN / 2 + 84 * np.cos(turn), _DRAWN / 2 + 84 * np.sin(turn)
    mask = Image.new("L", (_DRAWN, _DRAWN), 0)
    ImageDraw.Draw(mask).ellipse((x - size, y - size, x + size, y + size), fill=255)
    return _over(picture, mask, 0.7, 1.0, 70)


def _blur(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    (x, y), size = _middle(rng), rng.uniform(14, 24)
    mask = Image.new("L", (_DRAWN, _DRAWN), 0)
    ImageDraw.Draw(mask).ellipse((x - size, y - 0.8 * size, x + size, y + 0.8 * size), fill=255)
    return _over(picture, mask, 2, 1.0, gaussian_filter(picture, 7))


def _over(
    picture: Picture, mask: Image.Image, soften: float, share: float, grey: float | Picture
) -> tuple[Picture, Picture]:
    where = gaussian_filter(np.asarray(mask, float) / 255, soften)
    return picture * (1 - share * where) + grey * share * where, where


def _small(picture: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
    whole = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    return np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BOX))


DEFECTS: dict[str, dict[str, Callable[..., tuple[Picture, Picture]]]] = {
    "part": {"scratch": _scratch, "stain": _stain, "chip": _chip},
    "texture": {"scratch": _scratch, "stain": _stain, "blur": _blur},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for kind in DEFECTS:
        source = make_source(kind, options.seed)
        for name, images in (("train", source.train), ("test", source.test)):
            assert images is not None
            for at, (image, label) in enumerate(zip(images.images, images.labels, strict=True)):
                folder = options.out / kind / name / images.class_names[label]
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image[0]).save(folder / f"{at:04d}.png")


if __name__ == "__main__":
    main()
