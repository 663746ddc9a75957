"""Reads Labelme JSON files, one per picture; circles become polygons, everything unknown is kept in ``extra``."""

from __future__ import annotations

import base64
import binascii
import io
import math
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import orjson

from annotator.domain.geometry import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    Tag,
    Visibility,
)
from annotator.errors import FormatError
from annotator.formats.corners import rotated_box
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel, ImageSize
from annotator.formats.findings import ORIENTED, Findings
from annotator.formats.lazy import LazyImages
from annotator.formats.names import clean_name, find_file
from annotator.formats.numbers import number
from annotator.formats.report import Tally
from annotator.formats.source import Source
from annotator.formats.spec import Imported
from annotator.job_context import QUIET, JobContext

CIRCLE_CORNERS = 72
EMBEDDED = "imageData"
TURNED = ("oriented_rectangle", "rotation")
"""Names that Labelme and its relatives have for a rectangle of four corners."""
_NO_RECTANGLE = "its corners make no rectangle, read as a polygon of four corners"
_IMAGE_KEYS = frozenset({"shapes", "flags", "imageHeight", "imageWidth"})
_SHAPE_KEYS = frozenset({"label", "points", "shape_type", "mask", "attributes", "track_id"})


def read(
    path: Path, *, image_size: ImageSize | None = None, context: JobContext = QUIET, skip_bad: bool = False
) -> Imported:
    """Read Labelme files; see ``spec.Reader``. Labels are collected in a first pass, for they are listed nowhere."""
    source = Source(path)
    findings = Findings(Tally(), skip_bad=skip_bad)
    findings.tally.note(ORIENTED)
    files = [source.root] if source.root.is_file() else sorted(source.root.rglob("*.json"))
    kept: list[Path] = []
    labels: dict[str, None] = {}
    for file in files:
        content = _load(file, findings)
        if content is None or not isinstance(content.get("shapes"), list):
            continue
        kept.append(file)
        flags = content.get("flags")
        labels.update({str(k): None for k, v in flags.items() if v is True} if isinstance(flags, dict) else {})
        for shape in content["shapes"]:
            if isinstance(shape, dict) and isinstance(shape.get("label"), str) and shape["label"]:
                labels[shape["label"]] = None
    if not kept:
        raise FormatError(f"{path} holds no Labelme file.", path=path)

    def image(file: Path, found: Findings) -> DatasetImage | None:
        content = _load(file, found)
        return None if content is None else _image(file, content, source.folder, found, image_size)

    images = LazyImages("labelme", source.path, kept, image, findings, context, keep=source)
    return Imported(Dataset(tuple(map(DatasetLabel, labels)), images), images.report)


def _load(file: Path, findings: Findings) -> dict[str, Any] | None:
    try:
        content = orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        findings.bad(file, f"line {error.lineno} column {error.colno}", f"not JSON: {error.msg}")
        return None
    except OSError as error:
        findings.bad(file, "", f"cannot be read: {error.strerror}")
        return None
    return content if isinstance(content, dict) else None


def _image(
    file: Path, content: dict[str, Any], folder: Path, findings: Findings, image_size: ImageSize | None
) -> DatasetImage:
    beside = PurePosixPath(file.parent.relative_to(folder).as_posix())
    written = content.get("imagePath")
    leaf = PurePosixPath(clean_name(written) if isinstance(written, str) else "").name or f"{file.stem}.jpg"
    name = leaf if str(beside) == "." else f"{beside}/{leaf}"
    width, height = (_whole(content.get(key)) for key in ("imageWidth", "imageHeight"))
    known = image_size(name) if image_size else None
    if known and (width, height) not in ((0, 0), known):
        findings.other_size(name, (width, height), known)
    elif known:
        width, height = known
    annotations: list[DatasetAnnotation] = []
    flags = content.get("flags")
    for key, value in flags.items() if isinstance(flags, dict) else ():
        if value is True:
            annotations.append(DatasetAnnotation(str(key), Tag()))
    for index, shape in enumerate(content["shapes"]):
        try:
            one, how = _shape(shape)
            if wrong := findings.placed(one.geometry, width, height):
                raise ValueError(wrong)
        except (ValueError, TypeError, OverflowError) as error:
            findings.bad(file, f"shapes[{index}]", str(error))
            continue
        if how:
            findings.tally.converted(one.label, str(shape["shape_type"]), how, name)
        annotations.append(one)
    foreign = {key: value for key, value in content.items() if key not in _IMAGE_KEYS}
    if isinstance(foreign.get(EMBEDDED), str):  # a copy of the picture, which is not kept twice: it is put in again
        foreign[EMBEDDED] = True
    unset = {key: value for key, value in flags.items() if value is not True} if isinstance(flags, dict) else {}
    if unset:
        foreign["flags"] = unset
    path = find_file((file.parent,), leaf)
    if path is None and foreign.get(EMBEDDED):
        findings.tally.dropped(
            "", "embedded picture", "it is only inside the file (imageData) and is not unpacked", name
        )
    return DatasetImage(name, tuple(annotations), width, height, path, done=True, extra={"labelme": foreign})


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _shape(shape: Any) -> tuple[DatasetAnnotation, str]:
    if not isinstance(shape, dict) or not isinstance(shape.get("label"), str) or not shape["label"]:
        raise ValueError("a shape needs a label")
    points = shape.get("points")
    if not isinstance(points, list) or any(not isinstance(p, list) or len(p) != 2 for p in points):
        raise ValueError("points is no list of pairs")
    pairs = tuple((number(x, "a coordinate"), number(y, "a coordinate")) for x, y in points)
    kind = shape.get("shape_type") or "polygon"
    geometry = _geometry(str(kind), pairs, shape)
    foreign = {key: value for key, value in shape.items() if key not in _SHAPE_KEYS}
    how = ""
    if kind == "circle":
        foreign["circle"] = {"points": points, "of": hash(geometry)}
        how = f"read as a polygon of {CIRCLE_CORNERS} corners; written back as the circle while it is unchanged"
    elif kind in TURNED:
        foreign["corners"] = {"points": points, "shape_type": kind, "of": hash(geometry)}
        how = _NO_RECTANGLE if isinstance(geometry, Polygon) else ""
    elif kind == "line":
        foreign["shape_type"] = kind
    attributes = shape.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise ValueError("attributes is no object")
    track = shape.get("track_id")
    extra = {"labelme": foreign} if foreign else {}
    return DatasetAnnotation(shape["label"], geometry, attributes, _track(track), extra=extra), how


def _track(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"track_id is {value!r}, not a whole number")


def _geometry(kind: str, points: tuple[tuple[float, float], ...], shape: dict[str, Any]) -> Geometry:
    need = {"rectangle": 2, "circle": 2, "point": 1, "mask": 2, **dict.fromkeys(TURNED, 4)}.get(kind)
    if kind == "rectangle" and (upright := _upright(points)):
        points = upright
    if need is not None and len(points) != need:
        raise ValueError(f"a {kind} has {need} points, this one {len(points)}")
    match kind:
        case "polygon":
            return Polygon((PolygonPart(points),))
        case "rectangle":
            return Box.of(*points[0], *points[1])
        case "oriented_rectangle" | "rotation":
            polygon = Polygon((PolygonPart(points),))
            return rotated_box(polygon) or polygon
        case "circle":
            (cx, cy), edge = points[0], points[1]
            radius = math.dist(points[0], edge)
            turns = [2 * math.pi * step / CIRCLE_CORNERS for step in range(CIRCLE_CORNERS)]
            return Polygon.of((cx + radius * math.cos(turn), cy + radius * math.sin(turn)) for turn in turns)
        case "line" | "linestrip":
            return Polyline(points)
        case "point":
            return Point(*points[0])
        case "points":
            return Keypoints(tuple((x, y, Visibility.VISIBLE) for x, y in points))
        case "mask":
            return _mask(points, shape.get("mask"))
    raise ValueError(f"the shape type {kind!r} is not known")


def _upright(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Two corners of a rectangle that some tools write with all four; none when these do not stand upright."""
    if len(points) != 4:
        return ()
    xs, ys = sorted({x for x, _ in points}), sorted({y for _, y in points})
    whole = len(xs) == len(ys) == 2 and len(set(points)) == 4
    return ((xs[0], ys[0]), (xs[1], ys[1])) if whole else ()


def _mask(points: tuple[tuple[float, float], ...], data: Any) -> Mask:
    from PIL import Image, UnidentifiedImageError

    if not isinstance(data, str):
        raise ValueError("a mask without its picture")
    try:
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True)), formats=["PNG"]) as picture:
            pixels = np.asarray(picture.convert("L")) > 0
    except UnidentifiedImageError as error:  # its words are about a buffer in memory
        raise ValueError("the mask's picture cannot be read: it is no PNG, or damaged") from error
    except (binascii.Error, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"the mask's picture cannot be read: {error}") from error
    mask = Mask.from_array(pixels, round(points[0][0]), round(points[0][1]))
    if mask is None:
        raise ValueError("a mask without set pixels")
    return mask
