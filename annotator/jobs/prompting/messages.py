"""What the window and the interactive engine say to each other, in the frames of ``annotator.jobs.messages``.

Pictures do not cross: the engine decodes the file itself. Candidate masks lie in memory that both have mapped (``planes``); a
kept geometry is small and comes in the message. Bump ``PROTOCOL`` whenever a message changes.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

PROTOCOL = 3


class PictureFile(msgspec.Struct, frozen=True):
    """A picture by its file; ``width`` and ``height`` are those of the oriented image."""

    image_id: int
    path: str
    width: int
    height: int


class Use(msgspec.Struct, frozen=True, tag="use"):
    """Answer with this model of the catalogue from now on; ``weights`` is a file or empty."""

    model: str
    weights: str = ""
    device: str = "auto"


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Have these pictures ready, the first one first; others may be forgotten."""

    pictures: tuple[PictureFile, ...]


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Masks for a prompt (``Prompt.to_json``) on a picture that is shown at ``scale`` screen pixels per image pixel.

    ``previous``: the request and the candidate that this one refines.
    """

    request: int
    picture: PictureFile
    prompt: list[dict[str, Any]]
    scale: float
    previous: tuple[int, int] | None = None


class Keep(msgspec.Struct, frozen=True, tag="keep"):
    """Make candidate ``index`` of request ``asked`` a geometry at full resolution.

    ``form``: mask, polygon or box. If ``asked`` is not known (any more), the prompt is answered anew and its first answer taken.
    """

    request: int
    picture: PictureFile
    prompt: list[dict[str, Any]]
    form: str
    tolerance: float
    scale: float = 1.0
    asked: int = 0
    index: int = 0


class Boxed(msgspec.Struct, frozen=True):
    """A picture and boxes that were drawn on it: x1, y1, x2, y2 in pixels of the image."""

    picture: PictureFile
    boxes: tuple[tuple[float, float, float, float], ...]


class FindBox(msgspec.Struct, frozen=True, tag="find_box"):
    """The box around what lies at (x, y), in pixels of the image, drawn as the examples are; answered like ``Keep``."""

    request: int
    picture: PictureFile
    x: float
    y: float
    examples: tuple[Boxed, ...] = ()


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The engine's first message."""

    protocol: int
    pid: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded. ``instant``: it needs no time to read a picture."""

    model: str
    version: str
    device: str
    instant: bool


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The model cannot be loaded."""

    what: str
    cure: str


class Reading(msgspec.Struct, frozen=True, tag="reading"):
    """The engine has begun to read a picture."""

    image_id: int


class Left(msgspec.Struct, frozen=True, tag="left"):
    """A picture that was being read was left off for another one."""

    image_id: int


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Prompts on a picture can be answered; it took ``seconds``."""

    image_id: int
    seconds: float


class Unread(msgspec.Struct, frozen=True, tag="unread"):
    """A picture cannot be read, or no model can read it."""

    image_id: int
    what: str
    cure: str


class Plane(msgspec.Struct, frozen=True):
    """Where a candidate lies in the shared memory: (h, w) bytes from ``offset``, its corner at (x, y) of the raster."""

    offset: int
    x: int
    y: int
    width: int
    height: int


class Found(msgspec.Struct, frozen=True, tag="found"):
    """Candidates of a request, best first, on a raster of ``scale`` (x, y) raster pixels per image pixel."""

    request: int
    planes: tuple[Plane, ...]
    scores: tuple[float, ...]
    scale: tuple[float, float]
    seconds: float


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """The geometry (``to_json``) of a request to keep, None when the mask was empty; ``score`` is its candidate's."""

    request: int
    geometry: dict[str, Any] | None
    score: float
    seconds: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request could not be answered. ``expected`` False: a bug, whose traceback is in the log."""

    request: int
    what: str
    cure: str
    expected: bool = True


ToEngine: TypeAlias = Use | Look | Ask | Keep | FindBox
FromEngine: TypeAlias = Hello | Ready | Refused | Reading | Left | Read | Unread | Found | Kept | Failed

to_engine: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
from_engine: msgspec.msgpack.Decoder[FromEngine] = msgspec.msgpack.Decoder(FromEngine)
