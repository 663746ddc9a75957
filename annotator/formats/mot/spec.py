"""What MOT's sequences hold, how their parts are named, and how they are recognised."""

from __future__ import annotations

from pathlib import PurePosixPath

from annotator.domain.geometry import GeometryKind
from annotator.formats.peek import Peek
from annotator.formats.spec import Field, FormatSpec

IGNORED, VISIBILITY = "ignored", "visibility"
CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
"""Names of the classes 1 to 13 of MOT16, MOT17 and MOT20."""
LISTS = ("gt/gt.txt", "det/det.txt")


def detect(peek: Peek) -> str | None:
    """gt/gt.txt or det/det.txt below a sequence's folder."""
    for name in peek.names:
        if "/".join(PurePosixPath(name).parts[-2:]) in LISTS or name in ("gt.txt", "det.txt"):
            first = peek.head(name, 4096).split(b"\n", 1)[0]
            if not first.strip() or first.count(b",") >= 5:
                return f"{name} lists boxes by frame and track, as MOTChallenge does"
    return None


SPEC = FormatSpec(
    id="mot",
    title="MOT sequences",
    package="annotator.formats.mot",
    detect=detect,
    kinds=frozenset({GeometryKind.BOX}),
    fields=frozenset({Field.ATTRIBUTES, Field.TRACK, Field.SPLIT, Field.SEQUENCE, Field.LABELS}),
    attributes=frozenset({IGNORED, VISIBILITY}),
    tolerance=1e-9,
    frames=True,
    image_names=(
        "a/img1/000001.jpg",
        "b/img1/000001.jpg",
        "a/img1/000012.jpg",
        "deep er/b'c/img1/000002.jpg",
        "другой/img1/1234567.jpg",
    ),
)
