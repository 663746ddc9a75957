"""Prompts to candidates and candidates to geometries: the work of the interactive engine, without pipes or threads."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Geometry, GeometryKind, Mask
from annotator.domain.prompt import Prompt
from annotator.domain.tracing import box_around, polygon_around
from annotator.errors import ModelError
from annotator.jobs.prompting.messages import Ask, Keep, PictureFile
from annotator.jobs.prompting.pictures import Pictures, Raster
from annotator.models.protocols import Candidates, FloatArray

BoolMask = NDArray[np.bool_]
REMEMBERED = 24
"""Answers whose candidates can still be refined or kept."""
LARGEST_SIDE = 2048
"""The long side of the masks of a model that reads a picture once, in pixels."""


@dataclass(frozen=True)
class Cut:
    """A mask (h, w) cropped to what is set, its corner at (x, y) of the raster."""

    mask: BoolMask
    x: int
    y: int


@dataclass(frozen=True)
class Answer:
    """Candidates of one prompt, best first; ``scale`` (x, y) is raster pixels per image pixel. ``states`` refine them."""

    picture: PictureFile
    raster: Raster
    cuts: tuple[Cut, ...]
    scores: tuple[float, ...]
    scale: tuple[float, float]
    states: tuple[Any, ...]


class Answers:
    """Answers prompts on ``pictures`` and remembers the last ones."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._last: OrderedDict[int, Answer] = OrderedDict()

    def ask(self, ask: Ask) -> Answer:
        """Candidates for a prompt. Raises ``ModelError`` for a prompt that says nothing of where the object is."""
        before = self._last.get(ask.previous[0]) if ask.previous is not None else None
        prompt = Prompt.from_json(ask.prompt)
        if before is not None and before.picture == ask.picture and ask.previous is not None:
            answer = self._answer(ask.picture, before.raster, prompt, ask.scale, before.states[ask.previous[1]])
        else:
            raster = self._pictures.read(ask.picture, ask.scale)
            answer = self._answer(ask.picture, raster, prompt, ask.scale, None)
        for request in [r for r, other in self._last.items() if other.picture != ask.picture]:
            del self._last[request]  # with it goes the picture
        self._last[ask.request] = answer
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return answer

    def keep(self, keep: Keep) -> tuple[Geometry | None, float]:
        """The geometry of a candidate at full resolution with its edges drawn to the picture's, and the candidate's score."""
        prompt, index = Prompt.from_json(keep.prompt), keep.index
        answer = self._last.get(keep.asked)
        if answer is None or answer.picture != keep.picture:
            raster = self._pictures.read(keep.picture, keep.scale)
            answer, index = self._answer(keep.picture, raster, prompt, keep.scale, None), 0
        mask, x, y = self._in_full(answer, index, prompt)
        score = answer.scores[index]
        if not mask.any():
            return None, score
        if keep.form == GeometryKind.BOX:
            return box_around(mask, x, y), score
        if keep.form == GeometryKind.POLYGON:
            return polygon_around(mask, keep.tolerance, x, y), score
        return Mask.from_array(mask, x, y), score

    def _answer(self, file: PictureFile, raster: Raster, prompt: Prompt, scale: float, state: Any) -> Answer:
        if not prompt.can_be_answered and state is None:
            raise ModelError("Nothing says yet where the object is.", "Click on it, or drag a box around it.")
        points, labels = prompt.clicks()
        box = prompt.box
        corners = (
            None if box is None else np.array(box.bounds(), np.float32) * np.tile(np.array(raster.scale, np.float32), 2)
        )
        arguments: dict[str, Any] = {"box": corners, "previous": state}
        size = raster.size
        if self._pictures.scales:
            arguments["size"] = size = _shown_size(file, scale)
        try:
            found: Candidates = self._pictures.model.segment(
                raster.encoding, points * np.array(raster.scale, np.float32), labels, **arguments
            )
        except ValueError as error:
            raise ModelError(f"This prompt cannot be answered: {error}.", "Click on the object instead.") from error
        per_pixel = (size[1] / file.width, size[0] / file.height)
        cuts = tuple(_cropped(mask) for mask in found.masks)
        return Answer(file, raster, cuts, tuple(float(s) for s in found.scores), per_pixel, found.states)

    def _in_full(self, answer: Answer, index: int, prompt: Prompt) -> tuple[BoolMask, int, int]:
        """A candidate at the picture's own resolution: a window (h, w) and its corner (x, y)."""
        file, model = answer.picture, self._pictures.model
        if self._pictures.scales:
            cut = _cropped(model.full_mask(answer.raster.encoding, answer.states[index], (file.height, file.width)))  # type: ignore[attr-defined]
            return cut.mask, cut.x, cut.y
        full = self._pictures.read(file, 1.0)
        mask = _enlarged(answer.cuts[index], answer.scale, full.size)
        points, labels = prompt.clicks()
        cut = _cropped(model.refine(full.encoding, mask, points * np.array(full.scale, np.float32), labels))
        return cut.mask, cut.x, cut.y


def timed(start: float) -> float:
    """Seconds of this thread's processor time since ``start`` (``time.thread_time()``)."""
    return time.thread_time() - start


def _shown_size(file: PictureFile, scale: float) -> tuple[int, int]:
    """(h, w) of the whole picture on screen, no larger than it is nor than anybody needs."""
    ratio = min(scale, 1.0, LARGEST_SIDE / max(file.width, file.height))
    return max(1, round(file.height * ratio)), max(1, round(file.width * ratio))


def _cropped(mask: BoolMask) -> Cut:
    """The part of a mask that is set; one empty pixel when nothing is."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        return Cut(np.zeros((1, 1), np.bool_), 0, 0)
    return Cut(np.ascontiguousarray(mask[top : top + height, left : left + width]), left, top)


def _enlarged(cut: Cut, scale: tuple[float, float], size: tuple[int, int]) -> BoolMask:
    """The (h, w) mask of a picture of ``size`` from a crop on a raster of ``scale`` (x, y) raster pixels per image pixel."""
    full = np.zeros(size, np.bool_)
    height, width = cut.mask.shape
    x1, y1 = round(cut.x / scale[0]), round(cut.y / scale[1])
    x2, y2 = min(round((cut.x + width) / scale[0]), size[1]), min(round((cut.y + height) / scale[1]), size[0])
    if x2 > x1 and y2 > y1:
        if (y2 - y1, x2 - x1) == cut.mask.shape:
            full[y1:y2, x1:x2] = cut.mask
        else:
            grey = cut.mask.view(np.uint8) * np.uint8(255)
            smooth: FloatArray = cv2.resize(grey, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
            np.greater(smooth, 127, out=full[y1:y2, x1:x2])
    return full
