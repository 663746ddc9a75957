"""What the window hears of the interactive engine: frozen events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from annotator.domain.geometry import Geometry


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mask (h, w) cropped to what is set, its corner at (x, y) of the raster; ``score`` is the model's guess of its IoU."""

    mask: NDArray[np.bool_]
    x: int
    y: int
    score: float


@dataclass(frozen=True)
class ModelReady:
    """The model is loaded. ``instant``: it needs no time to read a picture."""

    model: str
    version: str
    device: str
    instant: bool


@dataclass(frozen=True)
class ModelRefused:
    """The model cannot be loaded; ``cure`` says what to do."""

    what: str
    cure: str


@dataclass(frozen=True)
class PictureReading:
    """The engine reads a picture now."""

    image_id: int


@dataclass(frozen=True)
class PictureRead:
    """Prompts on a picture are answered at once from now on."""

    image_id: int
    seconds: float


@dataclass(frozen=True)
class PictureUnread:
    """Prompts on a picture cannot be answered."""

    image_id: int
    what: str
    cure: str


@dataclass(frozen=True, eq=False)
class PromptAnswered:
    """Candidates, best first, on a raster of ``scale`` (x, y) raster pixels per image pixel. ``seconds`` of processor time."""

    request: int
    candidates: tuple[Candidate, ...]
    scale: tuple[float, float]
    seconds: float


@dataclass(frozen=True, eq=False)
class GeometryKept:
    """The geometry of a candidate at full resolution; None when its mask was empty."""

    request: int
    geometry: Geometry | None
    score: float
    seconds: float


@dataclass(frozen=True)
class RequestFailed:
    """A request will not be answered."""

    request: int
    what: str
    cure: str


@dataclass(frozen=True)
class PromptingRestarted:
    """The process died and was started again; what was asked last is asked again."""

    reason: str


@dataclass(frozen=True)
class PromptingGone:
    """The process cannot be kept alive; the next request tries once more."""

    what: str
    cure: str


PromptingEvent: TypeAlias = (
    ModelReady
    | ModelRefused
    | PictureReading
    | PictureRead
    | PictureUnread
    | PromptAnswered
    | GeometryKept
    | RequestFailed
    | PromptingRestarted
    | PromptingGone
)
