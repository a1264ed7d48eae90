"""Where an image is anomalous, pixel by pixel, at the image's own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Where = npt.NDArray[np.bool_]
"""(H, W), True where it is anomalous."""


@dataclass(frozen=True)
class Mask:
    """A mask in an eighth of its bytes; of an image that is normal everywhere, in none."""

    height: int
    width: int
    bits: bytes | None = None

    @classmethod
    def of(cls, where: Where) -> Mask:
        """where: bool (H, W)."""
        height, width = where.shape
        return cls(height, width, np.packbits(where).tobytes() if where.any() else None)

    @property
    def where(self) -> Where:
        """bool (H, W)."""
        if self.bits is None:
            return np.zeros((self.height, self.width), dtype=np.bool_)
        bits = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=self.height * self.width)
        return bits.astype(np.bool_).reshape(self.height, self.width)


Masks = Sequence[Mask | None]
"""One an image; None where nobody says where the image is anomalous."""
