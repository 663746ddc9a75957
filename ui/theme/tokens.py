"""The one table of colours and sizes. No other module writes a colour."""

from __future__ import annotations

from dataclasses import dataclass

SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6 = 4, 8, 12, 16, 24
RADIUS = 6
BODY_PX, CAPTION_PX, TITLE_PX = 13, 11, 16
ICON_PX = 18
MOTION_MS = 120


@dataclass(frozen=True)
class Tokens:
    """Colours by their purpose, as #RRGGBB."""

    name: str
    window: str
    panel: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    good: str
    warn: str
    bad: str
    on_accent: str
    control_border: str
    surround: str

    @property
    def is_dark(self) -> bool:
        return luminance(self.window) < 0.5

    @property
    def selected(self) -> str:
        """The background of a chosen row: the accent, thinned until text on it stays readable."""
        return mix(self.panel, self.accent, 0.18 if self.is_dark else 0.12)


DARK = Tokens(
    name="dark",
    window="#15171A",
    panel="#1C1F24",
    raised="#262A31",
    border="#30353D",
    text="#E6E8EB",
    muted="#9AA3AF",
    accent="#5B9BFF",
    good="#46B98C",
    warn="#E3A13A",
    bad="#E9686F",
    on_accent="#15171A",
    control_border="#687384",
    surround="#0E1012",
)

LIGHT = Tokens(
    name="light",
    window="#F4F5F7",
    panel="#FFFFFF",
    raised="#EEF1F4",
    border="#D9DEE5",
    text="#1B1F24",
    muted="#59626E",
    accent="#1B66D6",
    good="#1A7B55",
    warn="#966100",
    bad="#C22F38",
    on_accent="#FFFFFF",
    control_border="#7B8CA5",
    surround="#E3E6EA",
)


def channels(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of #RRGGBB."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mix(base: str, over: str, share: float) -> str:
    """``over`` laid on ``base`` with the opacity ``share``."""
    pairs = zip(channels(base), channels(over), strict=True)
    return "#" + "".join(f"{round(b + (o - b) * share):02X}" for b, o in pairs)


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.1, 0 for black to 1 for white."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in channels(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2.1, 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def text_on(color: str) -> str:
    """Black or white (of the tokens), whichever reads better on a label's colour."""
    return max((DARK.surround, LIGHT.panel), key=lambda ink: contrast(ink, color))
