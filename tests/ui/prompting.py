"""An interactive engine for the tests of the window: it answers when the test says so, with disks around the clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from annotator.domain.geometry import Box, GeometryKind, Mask
from annotator.domain.prompt import Prompt
from annotator.domain.tracing import box_around, polygon_around
from annotator.jobs.prompting import events
from annotator.jobs.prompting.messages import Ask, FindBox, Keep, PictureFile

SCORES = (0.9, 0.7, 0.5)


class FakePrompting:
    """In the place of ``PromptingEngine``."""

    made: ClassVar[list[FakePrompting]] = []

    def __init__(self, on_event: Callable[[events.PromptingEvent], None]) -> None:
        self.say = on_event
        self.used: list[tuple[str, str]] = []
        self.looked: list[tuple[int, ...]] = []
        self.asks: list[Ask] = []
        self.keeps: list[Keep | FindBox] = []
        self.dropped = 0
        self.closed = False
        self.pid = 4321
        FakePrompting.made.append(self)

    def use(self, model: str, weights: str = "", device: str = "auto") -> None:
        self.used.append((model, weights))

    def look(self, pictures: Sequence[PictureFile]) -> None:
        self.looked.append(tuple(p.image_id for p in pictures))

    def ask(self, ask: Ask) -> None:
        self.asks.append(ask)

    def drop(self) -> None:
        self.dropped += 1

    def keep(self, keep: Keep | FindBox) -> None:
        self.keeps.append(keep)

    def close(self) -> None:
        self.closed = True

    # --- what a test lets it say ---------------------------------------------------------------------------------------

    def ready(self, instant: bool = True) -> None:
        self.say(events.ModelReady(self.used[-1][0], "v1", "cpu", instant))

    def answer(self, ask: Ask | None = None, seconds: float = 0.03, scores: Sequence[float] = SCORES) -> None:
        """Disks of three sizes around the prompt's middle, less those around negative clicks."""
        ask = ask or self.asks[-1]
        candidates = []
        for n, score in enumerate(scores, 1):
            mask = disk(ask.picture, Prompt.from_json(ask.prompt), 10 * n)
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            y, x = (int(rows[0]), int(columns[0])) if rows.size else (0, 0)
            cropped = mask[y : rows[-1] + 1, x : columns[-1] + 1] if rows.size else mask[:1, :1]
            candidates.append(events.Candidate(cropped, x, y, score))
        self.say(events.PromptAnswered(ask.request, tuple(candidates), (1.0, 1.0), seconds))

    def keep_all(self) -> None:
        """Answer every request to keep."""
        keeps, self.keeps = self.keeps, []
        for keep in keeps:
            if isinstance(keep, FindBox):
                found = Box(keep.x - 10, keep.y - 8, keep.x + 10, keep.y + 8)
                self.say(events.GeometryKept(keep.request, found, 1.0, 0.05))
                continue
            mask = disk(keep.picture, Prompt.from_json(keep.prompt), 10 * (keep.index + 1))
            if keep.form == GeometryKind.BOX:
                geometry = box_around(mask)
            elif keep.form == GeometryKind.POLYGON:
                geometry = polygon_around(mask, keep.tolerance)
            else:
                geometry = Mask.from_array(mask)
            self.say(events.GeometryKept(keep.request, geometry, SCORES[keep.index], 0.05))


def disk(picture: PictureFile, prompt: Prompt, radius: float) -> np.ndarray:
    points, labels = prompt.clicks()
    places = points[labels].tolist()
    if prompt.box is not None:
        x1, y1, x2, y2 = prompt.box.bounds()
        places.append([(x1 + x2) / 2, (y1 + y2) / 2])
    cx, cy = np.mean(places, axis=0)
    y, x = np.mgrid[: picture.height, : picture.width] + 0.5
    mask = np.hypot(x - cx, y - cy) <= radius
    for px, py in points[~labels].tolist():
        mask &= np.hypot(x - px, y - py) > 4
    return mask
