"""A fixed piece of work that figures are divided by, so that they mean the same on every machine and beside other programs.

What slows a process down beside others (a shared core, cold caches) slows this mixture of Python objects, arrays and drawing
down about as much, when it is measured in turn with what is to be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

OBJECTS = 2_500
POINTS = 40_000
CIRCLES = 600


class _Thing:
    __slots__ = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def moved(self, by: int) -> _Thing:
        return _Thing(self.x + by, self.y + by)


_POINTS = np.random.default_rng(0).uniform(0, 1000, (POINTS, 2))
_PICTURE = np.zeros((600, 800, 3), np.uint8)


def cpu_s(action: Callable[[], object]) -> float:
    """CPU seconds of this process that ``action`` takes."""
    began = time.process_time()
    action()
    return time.process_time() - began


def work() -> None:
    """Some five milliseconds on a machine of 2024."""
    things = {number: _Thing(number, 2 * number).moved(3) for number in range(OBJECTS)}
    sorted(things.values(), key=lambda thing: (thing.x * 7919) % 1009)
    moved = _POINTS * 1.7
    moved += (3.0, 4.0)
    cells = moved.astype(np.int32).view(np.int64).ravel()
    np.sort(_POINTS[:-1][cells[1:] != cells[:-1]].ravel()[: POINTS // 4])
    for number in range(CIRCLES):
        cv2.circle(_PICTURE, (number % 800, 300), 40 + number % 50, (number % 255, 90, 30), 1, cv2.LINE_8)
