"""What a person points at so that a model draws a mask: clicks, a box and strokes, in the order in which they came.

Coordinates are those of the oriented image, as in ``geometry``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import XY, Box

PROMPT = "prompt"
"""In an annotation's ``extra``: what the smart tool was shown for it, the model that answered, and which answer was kept."""
POINTS_OF_STROKE = 12
"""A stroke stands for at most this many clicks along it."""


class StepKind(StrEnum):
    """What the hand did."""

    CLICK = "click"
    BOX = "box"
    STROKE = "stroke"


@dataclass(frozen=True, slots=True)
class Step:
    """One click, box or stroke. ``points`` are the click, two opposite corners, or the way of the stroke."""

    kind: StepKind
    points: tuple[XY, ...]
    positive: bool = True

    def __post_init__(self) -> None:
        needed = {StepKind.CLICK: 1, StepKind.BOX: 2}.get(self.kind)
        if not self.points or (needed is not None and len(self.points) != needed):
            raise ValueError(f"a {self.kind.value} has {len(self.points)} points")


@dataclass(frozen=True, slots=True)
class Prompt:
    """All steps so far; of several boxes the last one holds."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def with_step(self, step: Step) -> Prompt:
        """This prompt and one more step; a box takes the place of the box before."""
        kept = self.steps if step.kind is not StepKind.BOX else tuple(s for s in self.steps if s.kind is not step.kind)
        return replace(self, steps=(*kept, step))

    def without_last(self) -> Prompt:
        """This prompt before its last step."""
        return replace(self, steps=self.steps[:-1])

    @property
    def box(self) -> Box | None:
        """The box, if there is one."""
        for step in reversed(self.steps):
            if step.kind is StepKind.BOX:
                (x1, y1), (x2, y2) = step.points
                return Box.of(x1, y1, x2, y2)
        return None

    @property
    def can_be_answered(self) -> bool:
        """Whether it says where something is, not only where it is not."""
        return any(step.positive for step in self.steps)

    def clicks(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Points (n, 2) and whether each belongs to the object (n,): the clicks, and points spread evenly along strokes."""
        points: list[XY] = []
        labels: list[bool] = []
        for step in self.steps:
            if step.kind is not StepKind.BOX:
                spread = step.points if step.kind is StepKind.CLICK else spread_along(step.points)
                points += spread
                labels += [step.positive] * len(spread)
        return np.array(points, np.float32).reshape(-1, 2), np.array(labels, np.bool_)

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values, as they are kept with the annotation."""
        return [
            {"kind": s.kind.value, "points": [[round(x, 2), round(y, 2)] for x, y in s.points], "positive": s.positive}
            for s in self.steps
        ]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> Prompt:
        """The prompt that ``to_json`` wrote; raises ``ValueError`` for anything else."""
        try:
            return cls(
                tuple(
                    Step(StepKind(s["kind"]), tuple((float(x), float(y)) for x, y in s["points"]), bool(s["positive"]))
                    for s in data
                )
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a prompt: {str(data)[:120]}") from error


def click(x: float, y: float, positive: bool = True) -> Step:
    """A click on the object, or beside it."""
    return Step(StepKind.CLICK, ((x, y),), positive)


def around(box: Box) -> Prompt:
    """The prompt of a box alone."""
    return Prompt((Step(StepKind.BOX, ((box.x1, box.y1), (box.x2, box.y2))),))


def spread_along(points: tuple[XY, ...], most: int = POINTS_OF_STROKE) -> tuple[XY, ...]:
    """At most ``most`` points at equal distances along a line, its ends among them."""
    line = np.array(points, np.float64).reshape(-1, 2)
    steps = np.hypot(*np.diff(line, axis=0).T) if len(line) > 1 else np.zeros(0)
    way = np.concatenate(([0.0], np.cumsum(steps)))
    if way[-1] == 0:
        return (points[0],)
    at = np.linspace(0, way[-1], min(most, max(len(points), 2)))
    return tuple(
        (float(x), float(y))
        for x, y in zip(np.interp(at, way, line[:, 0]), np.interp(at, way, line[:, 1]), strict=True)
    )
