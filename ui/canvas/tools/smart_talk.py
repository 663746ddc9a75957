"""Canvas, tools: what the smart tool asks, what it is answered, and the choices that its option bar offers."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.domain.geometry import GeometryKind
from annotator.domain.prompt import Prompt
from annotator.jobs.prompting.events import Candidate

FORMS = (GeometryKind.MASK, GeometryKind.POLYGON, GeometryKind.BOX)
LEAST_TOLERANCE, MOST_TOLERANCE = 0.25, 50.0


@dataclass(frozen=True, slots=True)
class Question:
    """Masks are wanted for a prompt. ``previous``: the question and candidate that it refines; ``hover``: nobody clicked."""

    number: int
    prompt: Prompt
    scale: float
    previous: tuple[int, int] | None = None
    hover: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """Candidates for a question, best first, on a raster of ``scale`` (x, y) raster pixels per image pixel."""

    number: int
    candidates: tuple[Candidate, ...]
    scale: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate is to be kept."""

    number: int
    index: int
    prompt: Prompt
    score: float
    scale: float


@dataclass(slots=True)
class SmartOptions:
    """What a mask is kept as, how closely a polygon follows it (image pixels), and whether the mouse alone shows masks.

    ``can_hover``: the model answers fast enough for that. ``boxes_wanted``: clicks of the box tool that are no boxes yet.
    """

    form: GeometryKind = GeometryKind.MASK
    tolerance: float = 1.5
    hover: bool = True
    can_hover: bool = False
    boxes_wanted: int = 0
