"""Pictures whose pixels are numbers: PNG with a palette, 8 or 16 bit grey, or colours that stand for numbers.

Shared by the formats that hold masks as pictures. A header that declares another size than the image has is refused before
a pixel is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import XY, Geometry, Mask, Polygon

Ids = NDArray[np.uint16]
Color = tuple[int, int, int]
LARGEST = 1 << 29
"""Pixels of the largest picture of numbers that is read."""


def read_ids(
    file: Path, *, size: tuple[int, int] | None = None, colors: Mapping[Color, int] | None = None
) -> tuple[Ids, dict[int, Color]]:
    """The (h, w) numbers of a picture, and its palette where it has one.

    ``size`` is the (width, height) that it must have. ``colors`` turns a picture of colours into numbers. Raises ``ValueError``
    that says what is wrong with the file.
    """
    from PIL import Image

    try:
        with Image.open(file) as picture:
            if size is not None and picture.size != size:
                raise ValueError(f"it is {picture.width} x {picture.height}, its image {size[0]} x {size[1]}")
            if picture.width * picture.height > LARGEST:
                raise ValueError(f"it declares {picture.width} x {picture.height} pixels")
            if picture.mode in ("1", "L", "P", "I", "I;16", "I;16B", "I;16L"):
                return _numbers(np.asarray(picture)), _palette(picture)
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"it cannot be read: {error}") from error
    return _by_color(pixels, colors), {}


def _numbers(pixels: NDArray[Any]) -> Ids:
    if pixels.dtype == np.int32 and (pixels.min(initial=0) < 0 or pixels.max(initial=0) > 0xFFFF):
        raise ValueError("it has numbers beyond 16 bit")
    return pixels.astype(np.uint16)


def _palette(picture: Any) -> dict[int, Color]:
    flat = picture.getpalette() if picture.mode == "P" else None
    if not flat:
        return {}
    return {index: (flat[3 * index], flat[3 * index + 1], flat[3 * index + 2]) for index in range(len(flat) // 3)}


def _by_color(pixels: NDArray[np.uint8], colors: Mapping[Color, int] | None) -> Ids:
    if not colors:
        raise ValueError("its pixels are colours, and no list says which label a colour is")
    packed = _packed(pixels[..., 0], pixels[..., 1], pixels[..., 2])
    known = {(red << 16) | (green << 8) | blue: number for (red, green, blue), number in colors.items()}
    found, places = np.unique(packed, return_inverse=True)
    strangers = [int(value) for value in found if int(value) not in known]
    if strangers:
        red, green, blue = strangers[0] >> 16, strangers[0] >> 8 & 255, strangers[0] & 255
        raise ValueError(f"its colour {red},{green},{blue} is not in the list of labels")
    numbers = np.asarray([known[int(value)] for value in found], np.uint16)
    return numbers[places.reshape(packed.shape)]


def _packed(red: NDArray[np.uint8], green: NDArray[np.uint8], blue: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = [channel.astype(np.uint32) for channel in (red, green, blue)]
    return np.asarray(wide[0] << 16 | wide[1] << 8 | wide[2], np.uint32)


def written_ids(ids: Ids, palette: Mapping[int, Color] | None = None) -> bytes:
    """PNG: with a palette or 8 bit grey where the numbers allow it, else 16 bit grey."""
    from PIL import Image

    if ids.max(initial=0) > 255:
        picture = Image.fromarray(ids.astype(np.uint16))
    else:
        picture = Image.fromarray(ids.astype(np.uint8))
        if palette:
            flat = [channel for index in range(256) for channel in palette.get(index, (0, 0, 0))]
            picture = picture.copy()
            picture.putpalette(flat)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=6)
    return file.getvalue()


def draw(ids: Ids, geometry: Geometry, number: int) -> int:
    """Set the pixels of a mask or polygon to ``number``; a pixel belongs to a polygon if its centre does. Returns how many."""
    height, width = ids.shape
    if isinstance(geometry, Mask):
        inside = geometry.to_full_array(height, width)
    elif isinstance(geometry, Polygon):
        inside = np.zeros((height, width), dtype=bool)
        for part in geometry.parts:
            inside |= _filled(part.outer, height, width) & ~_any(part.holes, height, width)
    else:
        raise TypeError(f"a {geometry.kind.value} has no pixels")
    ids[inside] = number
    return int(inside.sum())


def _any(rings: tuple[tuple[XY, ...], ...], height: int, width: int) -> NDArray[np.bool_]:
    inside = np.zeros((height, width), dtype=bool)
    for ring in rings:
        inside |= _filled(ring, height, width)
    return inside


def _filled(ring: tuple[XY, ...], height: int, width: int) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside the ring (even-odd): exact where the corners lie on pixel edges."""
    from skimage.draw import polygon

    points = np.asarray(ring, np.float64)
    rows, columns = polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, (height, width))
    inside = np.zeros((height, width), dtype=bool)
    inside[rows, columns] = True
    return inside


def color_map(count: int = 256) -> dict[int, Color]:
    """The colours of Pascal VOC's development kit: the bits of each number spread over red, green and blue."""
    colors: dict[int, Color] = {}
    for index in range(count):
        channels, rest = [0, 0, 0], index
        for shift in range(7, -1, -1):
            for channel in range(3):
                channels[channel] |= (rest >> channel & 1) << shift
            rest >>= 3
        colors[index] = (channels[0], channels[1], channels[2])
    return colors
