"""From the numbers of a 16-bit or float image to the 8 bits of a screen: the display window.

Media room. A window (lo, hi) is shown linearly: lo and below black, hi and above white, in the image's own numbers. The
default leaves half a percent at either end, which survives dead and hot pixels.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DEFAULT_PERCENTILES: Final = (0.5, 99.5)
_SAMPLES: Final = 1_000_000


def colour_channels(pixels: NDArray[Any]) -> NDArray[Any]:
    """The channels that carry light: all but the alpha of a picture of 2 or 4 channels."""
    return pixels[..., :-1] if pixels.ndim == 3 and pixels.shape[2] in (2, 4) else pixels


def value_range(pixels: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest finite value of the colour channels; (0, 0) when there is none."""
    values = colour_channels(pixels)
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
        if not values.size:
            return 0.0, 0.0
    return float(values.min()), float(values.max())


def default_window(pixels: NDArray[Any]) -> tuple[float, float]:
    """The 0.5 and 99.5 percentiles of the finite colour values, from an even sample of at most about a million pixels."""
    step = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / _SAMPLES)))
    values = colour_channels(pixels[::step, ::step])
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values, DEFAULT_PERCENTILES)
    if low == high:  # a black frame with a few bright dots: show the dots
        low, high = value_range(pixels)
    return float(low), float(high)


def apply_window(pixels: NDArray[Any], window: tuple[float, float]) -> NDArray[np.uint8]:
    """The pixels, any real dtype, as uint8 of the same shape. Alpha is scaled by its own full range; NaN becomes black."""
    if colour_channels(pixels).shape != pixels.shape:
        full = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind in "iu" else 1.0
        colour, alpha = pixels[..., :-1], pixels[..., -1:]
        return np.concatenate([_stretch(colour, *window), _stretch(alpha, 0.0, full)], axis=2)
    return _stretch(pixels, *window)


def _stretch(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    span = high - low if high > low else 1.0
    if pixels.dtype in (np.uint8, np.uint16):
        table = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float64)
        lookup = np.clip((table - low) * (255 / span) + 0.5, 0, 255).astype(np.uint8)
        looked_up: NDArray[np.uint8] = lookup[pixels]
        return looked_up
    scaled = (pixels.astype(np.float64) - low) * (255 / span) + 0.5
    return np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0, 255).astype(np.uint8)
