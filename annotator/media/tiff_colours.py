"""Colours of TIFF samples: palettes, inks, alpha, black for white; and the pages that only Pillow reads.

Media room; used for whole pages (``tiff``) and for their tiles and strips (``tiff_parts``).
"""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from annotator.media.problems import Unreadable

MIN_IS_WHITE: Final = 0
PALETTE: Final = 3
SEPARATED: Final = 5
YCBCR: Final = 6


def colours(page: Any, pixels: NDArray[Any]) -> NDArray[Any]:
    """Samples of a page, (h, w) or (h, w, samples), as grey, grey and alpha, RGB or RGBA, channels last."""
    if pixels.dtype.kind == "c":
        raise Unreadable("holds complex numbers", "Save its magnitude or phase as a float TIFF.")
    if pixels.dtype == np.bool_ or page.bitspersample == 1:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    if page.photometric == PALETTE and page.colormap is not None:
        table = np.asarray(page.colormap)
        table = (table >> 8 if table.max() > 255 else table).astype(np.uint8).T
        return np.ascontiguousarray(table[np.minimum(pixels, len(table) - 1)])
    if page.photometric == MIN_IS_WHITE and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    if pixels.ndim == 2:
        return pixels
    if page.photometric == SEPARATED:
        return _cmyk(pixels)
    extra = list(page.extrasamples or ())
    alpha = bool(extra) and int(extra[0]) in (1, 2)
    light = 3 if int(page.samplesperpixel) - len(extra) >= 3 else 1
    return pixels[..., 0] if light + alpha == 1 else pixels[..., : light + alpha]


def _cmyk(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """(h, w, ≥4) inks of any unsigned depth as RGB uint8, without a colour profile."""
    ink = pixels[..., :4].astype(np.float32) / np.iinfo(pixels.dtype).max
    light = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    return (light * 255 + 0.5).astype(np.uint8)


def read_with_pillow(data: bytes, page: Any, index: Any) -> NDArray[Any]:
    """The ``index``-th page of a TIFF in memory that describes its pixels as ``page`` does; raises ``Unreadable``."""
    from PIL.TiffImagePlugin import TiffImageFile

    name = getattr(page.compression, "name", str(page.compression))
    try:
        image = TiffImageFile(io.BytesIO(data))
        image.seek(index if isinstance(index, int) else 0)
        mode = "L" if image.mode in ("1", "L") else "RGBA" if image.mode in ("LA", "RGBA", "PA") else "RGB"
        return np.asarray(image if image.mode.startswith("I;16") or image.mode == "F" else image.convert(mode))
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(
            f"uses a compression that cannot be read or is damaged ({name}: {error})", "Save it without compression."
        ) from None
