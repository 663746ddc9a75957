"""What the demo draws: balloons, clocks, mushrooms and sailing boats, each in its own surroundings and never twice the same.

Media room. A thing is a function that paints one object of about ``size`` pixels around a centre and returns its box.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Box
from annotator.media.drawing import Canvas, Color, Mask, Points, ellipse_points, mix, noise
from annotator.media.photographs import Labelled

_BRIGHT: Final[tuple[Color, ...]] = (
    (225, 45, 45),
    (245, 190, 40),
    (60, 120, 220),
    (60, 170, 80),
    (200, 70, 190),
    (250, 120, 40),
)


def draw_picture(label: str, rng: np.random.Generator) -> Labelled:
    """A picture with one to three things of ``label`` (a key of ``THINGS``)."""
    surroundings, thing = THINGS[label]
    width, height = (int(side) for side in rng.choice([(512, 384), (480, 360), (384, 512), (448, 448)]))
    canvas = Canvas(surroundings(rng, height, width), rng)
    count = int(rng.choice([1, 1, 2, 3]))
    boxes = []
    for place in range(count):
        size = min(width, height) * rng.uniform(0.5, 0.72) / (1, 1.35, 1.9)[count - 1]
        cx = width * (place + 0.5) / count + rng.uniform(-0.08, 0.08) * width / count
        boxes.append(thing(canvas, cx, height * rng.uniform(0.46, 0.58), size))
    return Labelled(canvas.finished(), label, tuple(boxes))


def _box(canvas: Canvas, *masks: Mask) -> Box:
    x, y, width, height = cv2.boundingRect(np.maximum.reduce(masks))
    return Box(x, y, x + width, y + height)


def _color(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    red, green, blue = np.clip(np.array(colors[int(rng.integers(len(colors)))]) + rng.normal(0, 14, 3), 0, 255)
    return float(red), float(green), float(blue)


def _points(*xy: tuple[float, float]) -> Points:
    return np.array(xy, np.float64)


def _curve(start: tuple[float, float], over: tuple[float, float], end: tuple[float, float]) -> Points:
    """(12, 2) points of the quadratic curve that leaves ``start`` towards ``over`` and arrives at ``end``."""
    t = np.linspace(0, 1, 12)[:, None]
    return np.asarray((1 - t) ** 2 * _points(start) + 2 * t * (1 - t) * _points(over) + t**2 * _points(end))


def sky(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Blue above, paler below, with clouds."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    blue = float(rng.uniform(190, 235))
    base = mix((60 + blue / 4, 130, blue), (205, 220, 238), down)
    clouds = np.clip(noise(rng, height, width, width / 3) * 2.2 - rng.uniform(0.9, 1.4), 0, 1)
    return np.asarray(base + (np.float32(248) - base) * clouds[..., None], np.float32)


def sea(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Sky above a horizon, waves that grow towards the viewer below."""
    picture = sky(rng, height, width)
    horizon = int(height * rng.uniform(0.5, 0.6))
    waves = noise(rng, (height - horizon) * 3, width, 40, 5)
    waves = cv2.resize(waves, (width, height - horizon), interpolation=cv2.INTER_AREA)
    picture[horizon:] = mix((20, 60, 100), (110, 165, 190), np.asarray(waves, np.float32))
    return picture


def wall(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Plaster, wallpaper stripes or boards."""
    light, dark = ((235, 228, 210), (200, 190, 170)) if rng.random() < 0.6 else ((150, 170, 165), (120, 140, 140))
    amount = noise(rng, height, width, 24, 5)
    kind = rng.integers(3)
    if kind == 1:
        amount = amount * 0.4 + 0.5 * (np.arange(width, dtype=np.float32) // 26 % 2)[None]
    elif kind == 2:
        boards = cv2.resize(noise(rng, height, max(2, width // 12), 30), (width, height))
        amount = boards * 0.8 + 0.4 * (np.arange(height) % 64 < 2).astype(np.float32)[:, None]
        light, dark = (196, 148, 96), (92, 58, 30)
    return mix(light, dark, np.asarray(amount, np.float32))


def meadow(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Forest floor: moss and soil with blades of grass, a blurred wood behind."""
    floor = mix((40, 52, 22), (112, 134, 58), noise(rng, height, width, 30, 5))
    horizon = int(height * rng.uniform(0.25, 0.4))
    wood = cv2.resize(noise(rng, 4, width, 40, 3), (width, horizon), interpolation=cv2.INTER_CUBIC)
    floor[:horizon] = mix((22, 40, 24), (120, 150, 92), np.clip(np.asarray(wood, np.float32), 0, 1))
    canvas = Canvas(cv2.GaussianBlur(floor, (0, 0), 1.2), rng)
    for _ in range(70):
        x, y, high = rng.uniform(0, width), rng.uniform(horizon, height * 1.05), rng.uniform(12, 46)
        blade = _curve((x, y), (x + rng.normal(0, 5), y - high / 2), (x + rng.normal(0, 14), y - high))
        shade = float(rng.random())
        color = (56 + 70 * shade, 92 + 72 * shade, 28 + 36 * shade)
        cv2.polylines(canvas.pixels, [blade.round().astype(np.int32)], False, color, 2, cv2.LINE_AA)
    return canvas.pixels


def balloon(canvas: Canvas, cx: float, cy: float, size: float) -> Box:
    rng, radius = canvas.rng, size * 0.42
    color = _color(rng, _BRIGHT)
    top = cy - size * 0.12
    body = ellipse_points(cx, top, radius * rng.uniform(0.84, 0.95), radius)
    below = body[:, 1] > top
    body[below, 0] = cx + (body[below, 0] - cx) * (1 - 0.25 * ((body[below, 1] - top) / radius) ** 2)
    end = top + radius
    bend = rng.normal(0, size * 0.06)
    line = _curve((cx, end), (cx + bend, end + size * 0.15), (cx - bend / 2, end + size * 0.34))
    string = canvas.stroke(line, size / 110)
    knot = canvas.area(
        _points((cx, end - 3), (cx - size * 0.035, end + size * 0.045), (cx + size * 0.035, end + size * 0.045))
    )
    shell = canvas.area(body)
    canvas.paint(string, (225, 225, 215), bulge=0)
    canvas.paint(knot, color, texture=0.05)
    canvas.paint(shell, color, gloss=0.85, texture=0.06)
    return _box(canvas, shell, knot, string)


def clock(canvas: Canvas, cx: float, cy: float, size: float) -> Box:
    rng, radius = canvas.rng, size * 0.48
    squeeze = rng.uniform(0.88, 1.0)
    rim_color = _color(rng, ((40, 40, 44), (150, 110, 60), (190, 190, 196), (120, 40, 36), (40, 70, 120)))
    rim = canvas.area(ellipse_points(cx, cy, radius * squeeze, radius))
    canvas.shadow(rim, size * 0.05, size * 0.07, size * 0.045)
    canvas.paint(rim, rim_color, gloss=0.5)
    canvas.paint(
        canvas.area(ellipse_points(cx, cy, radius * squeeze * 0.86, radius * 0.86)),
        (246, 243, 232),
        bulge=0.1,
        texture=0.03,
    )
    ink = (28.0, 28.0, 32.0)

    def on_face(turn: float, *lengths: float) -> Points:
        angle = 2 * np.pi * turn - np.pi / 2
        return _points(*((cx + np.cos(angle) * radius * r * squeeze, cy + np.sin(angle) * radius * r) for r in lengths))

    for hour in range(12):
        canvas.paint(canvas.stroke(on_face(hour / 12, 0.68, 0.79), size / (40 if hour % 3 == 0 else 75)), ink, bulge=0)
    hours, minutes = rng.uniform(0, 12), rng.uniform(0, 1)
    for turn, length, thick in ((hours / 12, 0.45, 28.0), (minutes, 0.66, 42.0)):
        hand = canvas.stroke(on_face(turn, -0.1, length), size / thick)
        canvas.shadow(hand, 2, 3, 2, 0.35)
        canvas.paint(hand, ink, bulge=0.2)
    canvas.paint(canvas.stroke(on_face(rng.random(), -0.15, 0.7), 1), (190, 30, 30), bulge=0)
    canvas.paint(canvas.area(ellipse_points(cx, cy, size * 0.03, size * 0.03)), ink, gloss=0.4)
    return _box(canvas, rim)


def mushroom(canvas: Canvas, cx: float, cy: float, size: float) -> Box:
    rng = canvas.rng
    half = size * rng.uniform(0.4, 0.5)
    foot, lean = cy + size * 0.48, rng.normal(0, size * 0.03)
    rim = cy - size * 0.02
    wide = size * rng.uniform(0.09, 0.13)
    stem = canvas.area(
        _points(
            (cx - wide, rim),
            (cx + wide, rim),
            (cx + wide * 1.35 + lean, foot),
            (cx + lean, foot + wide * 0.4),
            (cx - wide * 1.35 + lean, foot),
        )
    )
    high = half * rng.uniform(0.75, 1.0)
    cap_points = np.vstack(
        [ellipse_points(cx, rim, half, high, 180, 360), ellipse_points(cx, rim, half, half * 0.22, 0, 180)]
    )
    cap = canvas.area(cap_points)
    canvas.shadow(
        canvas.area(ellipse_points(cx + lean, foot, half * 0.9, half * 0.22)), size * 0.06, 2, size * 0.05, 0.6
    )
    canvas.paint(stem, (232, 222, 196), texture=0.2)
    canvas.shadow(cap, 0, size * 0.06, size * 0.03, 0.35)
    canvas.paint(stem, (222, 212, 186), texture=0.25)
    canvas.shadow(canvas.area(ellipse_points(cx, rim + size * 0.05, wide, size * 0.05)), 0, 0, 3, 0.5)
    canvas.paint(cap, _color(rng, ((205, 38, 28), (190, 50, 30), (150, 92, 48), (214, 120, 40))), gloss=0.35)
    for _ in range(int(rng.integers(7, 14))):
        angle, far = rng.uniform(np.pi * 1.05, np.pi * 1.95), rng.uniform(0.15, 0.86)
        x, y = cx + np.cos(angle) * half * far, rim + np.sin(angle) * high * far
        dot = size * rng.uniform(0.018, 0.042)
        spot = cv2.bitwise_and(canvas.area(ellipse_points(x, y, dot, dot * 0.8)), cap)
        canvas.paint(spot, (244, 238, 224), texture=0.1)
    return _box(canvas, cap, stem)


def sailboat(canvas: Canvas, cx: float, cy: float, size: float) -> Box:
    rng, side = canvas.rng, float(canvas.rng.choice([-1, 1]))
    water = canvas.height * rng.uniform(0.66, 0.76)
    long, deep = size * 0.42, size * 0.12
    hull = canvas.area(
        _points(
            (cx - long, water - deep),
            (cx + long, water - deep),
            (cx + side * long * 0.2 + long * 0.5, water),
            (cx - long * 0.65, water),
        )
    )
    top = water - deep - size * rng.uniform(0.72, 0.82)
    mast = canvas.stroke(_points((cx, water - deep), (cx, top)), size / 60)
    boom = water - deep * 1.7
    belly = size * rng.uniform(0.02, 0.07) * side
    main = canvas.area(
        _points(
            (cx + side * 3, top + 4),
            (cx + side * long * 0.5 + belly, (top + boom) / 2),
            (cx + side * long * 0.86, boom),
            (cx + side * 3, boom),
        )
    )
    bow = cx - side * long * 0.82
    jib = canvas.area(_points((cx - side * 4, top + size * 0.08), (bow, boom), (cx - side * 5, boom - size * 0.06)))
    reflection = canvas.area(
        _points((cx - long * 0.8, water), (cx + long * 0.8, water), (cx + side * long * 0.3, water + size * 0.35))
    )
    canvas.shadow(reflection, 0, 0, size * 0.03, 0.35)
    canvas.paint(mast, (96, 70, 46), bulge=0.3)
    canvas.paint(main, _color(rng, ((246, 244, 238), (246, 244, 238), (236, 222, 190))), bulge=0.5, texture=0.05)
    canvas.paint(jib, _color(rng, ((240, 240, 236), *_BRIGHT)), bulge=0.5, texture=0.05)
    canvas.paint(hull, _color(rng, ((130, 50, 34), (32, 48, 84), (236, 234, 228), (40, 92, 70))), gloss=0.25)
    return _box(canvas, hull, mast, main, jib)


THINGS: Final[
    dict[
        str,
        tuple[
            Callable[[np.random.Generator, int, int], NDArray[np.float32]], Callable[[Canvas, float, float, float], Box]
        ],
    ]
] = {
    "balloon": (sky, balloon),
    "clock": (wall, clock),
    "mushroom": (meadow, mushroom),
    "sailboat": (sea, sailboat),
}
