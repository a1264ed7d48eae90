"""What is white in a file whose values have more than eight bits, and what is lost if nobody says.

A camera of 12 bits stores values up to 4095 in files of 16 bits, whose white is 65535. Read so,
its images have 17 grey levels. `data.white_level` says what is white.
"""

from __future__ import annotations

import threading

from PIL import Image

SIXTEEN_BIT = 65535
EIGHT_BIT = 255

_CAMERAS = (255, 1023, 4095, 16383)
"""The largest value of 8, 10, 12 and 14 bits. 14 bits in a file of 16 leave 65 grey levels."""


class FewGreyLevels:
    """What files of 16 bits hold, counted over many files; threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grey = self._colour = 0
        self._brightest = self._brightest_colour = 0

    def add_grey(self, brightest: int) -> None:
        """A grey file of 16 bits whose largest value this is, 0 to 65535."""
        with self._lock:
            self._grey += 1
            self._brightest = max(self._brightest, brightest)

    def add_colour(self, brightest: int) -> None:
        """A colour file of 16 bits; `brightest` is the largest of the upper bytes, 0 to 255."""
        with self._lock:
            self._colour += 1
            self._brightest_colour = max(self._brightest_colour, brightest)

    def remarks(self) -> list[str]:
        """A line for grey and one for colour files where all of them leave most of the range
        unused: how many grey levels are left, and what to do."""
        found = []
        if self._grey and self._brightest <= _CAMERAS[-1]:
            levels = round(self._brightest * EIGHT_BIT / SIXTEEN_BIT) + 1
            white = next(white for white in _CAMERAS if self._brightest <= white)
            found.append(
                f"{_images(self._grey)} of 16 bits reach {self._brightest} of {SIXTEEN_BIT} and"
                f" become {_levels(levels)}; set data.white_level to the value that is white in"
                f" them, such as {white}"
            )
        if self._colour and self._brightest_colour <= _CAMERAS[-1] >> 8:
            found.append(
                f"{_images(self._colour)} of 16 bits a colour are read by their upper 8 bits and"
                f" become {_levels(self._brightest_colour + 1)} a colour; save them with 8 bits a"
                " colour, or as grey with 16 bits and data.white_level"
            )
        return found


def is_deep_colour(opened: Image.Image) -> bool:
    """Whether a file, opened and not yet read, has 16 bits a colour: Pillow drops the lower 8."""
    if opened.format not in ("PNG", "TIFF") or opened.mode.startswith("I"):
        return False
    return any(";16" in str(tile[3]) for tile in getattr(opened, "tile", ()))


def white_of_file(opened: Image.Image, white_level: int | None) -> int | None:
    """The value to scale to white in a file, opened and not yet read; None for the usual one.

    ValueError where `white_level` cannot be the white of this file.
    """
    if white_level is None:
        return None
    stated = _stated_white(opened)
    if stated is not None:
        # Pillow has scaled by it already.
        if stated != white_level:
            raise ValueError(
                f"it says itself that {stated} is white, data.white_level says {white_level}"
            )
        return None
    if is_deep_colour(opened):
        if white_level != SIXTEEN_BIT:
            raise ValueError(
                "only the upper 8 of its 16 bits a colour are read, so data.white_level cannot"
                " hold; save it with 8 bits a colour, or as grey"
            )
        return None
    most = SIXTEEN_BIT if opened.mode.startswith("I") else EIGHT_BIT
    if white_level > most:
        raise ValueError(f"its values end at {most}, so data.white_level={white_level} cannot hold")
    return None if white_level == most == EIGHT_BIT else white_level


def check_brightest(brightest: int, white_level: int) -> None:
    """ValueError where a value is brighter than white."""
    if brightest > white_level:
        raise ValueError(
            f"its values reach {brightest}, more than data.white_level={white_level}; set that to"
            " the largest value that the camera gives"
        )


def _stated_white(opened: Image.Image) -> int | None:
    """What the header of a PGM or PPM says is white, where that is not the usual value."""
    tiles = getattr(opened, "tile", ())
    if opened.format != "PPM" or opened.mode not in ("L", "RGB", "I") or not tiles:
        return None
    arguments = tiles[0][3]
    white = arguments[-1] if isinstance(arguments, tuple) else None
    return white if isinstance(white, int) and white not in (EIGHT_BIT, SIXTEEN_BIT) else None


def _images(count: int) -> str:
    return f"{count} image{'s' * (count != 1)}"


def _levels(count: int) -> str:
    return f"{count} grey level{'s' * (count != 1)}"
