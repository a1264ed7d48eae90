"""Size and channels: every source's images are brought to what the configuration asks for here.

One way for arrays and for files, so that the same picture gives the same pixels from an .npz and
from a folder.
"""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from memgan.config import ResizePolicy
from memgan.data.framing import framed, frames
from memgan.data.images import Pixels
from memgan.data.reading.white_level import (
    EIGHT_BIT,
    SIXTEEN_BIT,
    FewGreyLevels,
    check_brightest,
    is_deep_colour,
    white_of_file,
)
from memgan.errors import DataError

ImageSize = tuple[int, int]
Channels = Literal[1, 3]


def conform(
    images: Pixels,
    image_size: ImageSize | None,
    channels: Channels | None,
    resize: ResizePolicy = "fit",
) -> Pixels:
    """`images`, uint8 (N, C, H, W), at (height, width) `image_size` and with `channels`.

    None keeps what is. Colour becomes grey by luma (ITU-R 601), grey becomes colour by repetition,
    sizes change by antialiased bilinear interpolation, as `resize` says. DataError for a change of
    channels from other than 1 or 3.
    """
    given = images.shape[1]
    channels = None if channels == given else channels
    image_size = None if image_size == images.shape[2:] else image_size
    if channels is not None and given not in (1, 3):
        raise DataError(
            f"images have {given} channels, and only 1 and 3 can be converted; leave data.channels"
            " unset to keep them"
        )
    if (image_size is None and channels is None) or not len(images):
        return images
    if given in (1, 3):
        return np.stack([fit(_as_picture(i), image_size, channels, resize) for i in images])
    planes = [[fit(_as_picture(p[None]), image_size, 1, resize)[0] for p in i] for i in images]
    return np.stack([np.stack(image) for image in planes])


def fit(
    picture: Image.Image,
    image_size: ImageSize | None,
    channels: Channels | None,
    resize: ResizePolicy = "fit",
) -> Pixels:
    """One picture of mode L or RGB as uint8 (C, H, W)."""
    if channels == 1 and picture.mode == "RGB":
        picture = picture.convert("L")
    if image_size is not None and picture.size != image_size[::-1]:
        rows, columns = frames((picture.height, picture.width), image_size, resize)
        # Columns, then rows: by itself Pillow chooses the order, in a way of its version, and each
        # step rounds.
        for size in ((columns.inner, picture.height), (columns.inner, rows.inner)):
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        pixels = framed(np.asarray(picture), image_size)
    else:
        pixels = np.asarray(picture)
    if pixels.ndim == 2:
        return np.repeat(pixels[None], channels or 1, axis=0)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def plain(
    picture: Image.Image, white_level: int | None = None, few: FewGreyLevels | None = None
) -> Image.Image:
    """An opened file, turned upright, as mode L (grey) or RGB (colour), eight bits a channel.

    Transparency is laid on white, 16-bit grey is scaled, a palette is looked up; of a file with
    several frames the first counts. white_level: the value that is white; None is the largest that
    the file can hold. few: told what files of 16 bits reach where it is None. ValueError for grey
    values beyond 16 bits or not whole, and for a white level that cannot hold for this file.
    """
    white = white_of_file(picture, white_level)
    deep = is_deep_colour(picture)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        return _from_sixteen_bits(picture, white, few if white_level is None else None)
    if deep and few is not None and white_level is None:
        few.add_colour(int(np.asarray(picture)[..., :3].max()))
    picture = _eight_bits(picture)
    return picture if white is None else _scaled(picture, white)


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in ("L", "RGB") and "transparency" not in picture.info:
        return picture
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode == "F":
        raise ValueError("its grey values are fractions; save it with 8 or 16 bits a pixel")
    if picture.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in picture.info:
        return _on_white(picture)
    if picture.mode == "P" and picture.palette is not None and picture.palette.mode == "RGB":
        picture = picture.convert("RGB")
        return picture.convert("L") if _is_grey(picture) else picture
    return picture.convert("RGB")


def _as_picture(image: Pixels) -> Image.Image:
    if len(image) == 1:
        return Image.fromarray(np.ascontiguousarray(image[0]))
    return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))


def _on_white(picture: Image.Image) -> Image.Image:
    # What lies under full transparency is arbitrary, and dropping alpha would show it.
    grey = picture.mode in ("L", "LA", "La")
    layers = picture.convert("RGBA")
    ground = Image.new("RGBA", layers.size, "white")
    flat = Image.alpha_composite(ground, layers)
    return flat.convert("L" if grey else "RGB")


def _from_sixteen_bits(
    picture: Image.Image, white: int | None, few: FewGreyLevels | None
) -> Image.Image:
    values = np.asarray(picture)
    brightest = int(values.max())
    if values.min() < 0 or brightest > SIXTEEN_BIT:
        raise ValueError("its grey values exceed 16 bits; save it with 8 or 16 bits a pixel")
    if few is not None:
        few.add_grey(brightest)
    white = white or SIXTEEN_BIT
    check_brightest(brightest, white)
    return Image.fromarray(_levels_up_to(white)[values])


def _scaled(picture: Image.Image, white: int) -> Image.Image:
    values = np.asarray(picture)
    check_brightest(int(values.max()), white)
    return Image.fromarray(_levels_up_to(white)[values])


@functools.cache
def _levels_up_to(white: int) -> Pixels:
    """uint8 (white + 1,): the grey level of each value, so that `white` becomes 255."""
    levels: Pixels = np.rint(np.arange(white + 1) * (EIGHT_BIT / white)).astype(np.uint8)
    return levels


def _is_grey(picture: Image.Image) -> bool:
    pixels = np.asarray(picture)
    return bool((pixels == pixels[..., :1]).all())
