"""The colours that labels get, in order; after the list is used up, hues are rotated by the golden angle."""

from __future__ import annotations

import colorsys

LABEL_COLORS = (
    "#4E9BFF",
    "#FF8A3D",
    "#3CC48A",
    "#E5556B",
    "#A77BFF",
    "#F2C037",
    "#2BC4D9",
    "#FF7DC0",
    "#8BC34A",
    "#C98A5E",
    "#6C7BFF",
    "#FFB199",
    "#00A88F",
    "#D64BD1",
    "#B0BEC5",
    "#9C6ADE",
    "#E67E22",
    "#27AE60",
    "#C0392B",
    "#16A2B8",
)


def label_color(index: int) -> str:
    """The colour of the ``index``-th label as #RRGGBB."""
    turn, base = divmod(index, len(LABEL_COLORS))
    color = LABEL_COLORS[base]
    if turn == 0:
        return color
    r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(r, g, b)
    r, g, b = colorsys.hls_to_rgb((hue + turn * 0.381966) % 1.0, lightness, saturation)
    return f"#{round(r * 255):02X}{round(g * 255):02X}{round(b * 255):02X}"
