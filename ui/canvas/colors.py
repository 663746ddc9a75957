"""Canvas, colours: the one table of colours that painting uses. The theme passes its own; the defaults are the dark tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

RGB = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CanvasColors:
    """Colours as #RRGGBB or #AARRGGBB."""

    surround: str = "#0E1012"
    unread: str = "#1A1D22"
    checker_even: str = "#3A3F47"
    checker_odd: str = "#2B3037"
    grid_dark: str = "#48000000"
    grid_light: str = "#48FFFFFF"
    halo: str = "#B0101214"
    handle: str = "#FFFFFF"
    guide: str = "#A0FFFFFF"
    guide_halo: str = "#60000000"
    accent: str = "#5B9BFF"
    panel: str = "#E61C1F24"
    border: str = "#30353D"
    text: str = "#E6E8EB"
    muted: str = "#9AA3AF"
    plus: str = "#1A7B55"
    minus: str = "#C22F38"
    bad: str = "#E9686F"
    chip_dark: str = "#000000"
    chip_light: str = "#FFFFFF"
    unlabelled: str = "#9AA3AF"


LIGHT = CanvasColors(
    surround="#E3E6EA",
    unread="#D3D8DE",
    checker_even="#FFFFFF",
    checker_odd="#D9DEE5",
    accent="#1B66D6",
    panel="#F0FFFFFF",
    border="#D9DEE5",
    text="#1B1F24",
    muted="#59626E",
    bad="#C22F38",
    unlabelled="#59626E",
)


@lru_cache(maxsize=512)
def rgb(color: str) -> RGB:
    """The red, green and blue of a colour, 0 to 255."""
    value = QColor(color)
    return value.red(), value.green(), value.blue()


def with_alpha(color: str | RGB, alpha: float) -> QColor:
    """The colour at an opacity from 0 to 1."""
    red, green, blue = rgb(color) if isinstance(color, str) else color
    return QColor(red, green, blue, round(alpha * 255))


def _luminance(color: RGB) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@lru_cache(maxsize=512)
def text_on(background: RGB, dark: str, light: str) -> str:
    """Whichever of the two text colours has the higher WCAG contrast on the background."""

    def contrast(color: str) -> float:
        low, high = sorted((_luminance(rgb(color)), _luminance(background)))
        return (high + 0.05) / (low + 0.05)

    return dark if contrast(dark) >= contrast(light) else light
