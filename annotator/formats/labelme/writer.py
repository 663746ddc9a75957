"""Writes Labelme JSON, each file beside its picture under the same name."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from annotator.domain.geometry import Box, Keypoints, Mask, Point, Polygon, Polyline, RotatedBox, Tag, Visibility
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.labelme.reader import EMBEDDED
from annotator.formats.labelme.spec import SPEC
from annotator.formats.labels import report_unused, unknown
from annotator.formats.names import without_suffix
from annotator.formats.outline import keyhole
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext

_VERSION = "5.5.0"
_SEEN = "written as points: which ones are hidden is not kept, absent ones are left out"
_PARTS = "its parts and holes are joined by cuts without width, as Labelme has one outline"


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write Labelme files; see ``spec.Writer``."""
    tally, mode = Tally(), ImagesMode(images)
    unheld = Unheld(SPEC, tally)
    unheld.labels(dataset)
    known, used = {label.name for label in dataset.labels}, set[str]()
    stems = FreeStems(tally, "Labelme")
    with Target(target, merge=merge, replace=replace) as place:
        for image in passing(dataset, unheld, context, "Labelme"):
            name = stems.free(image.name)
            shapes: list[dict[str, Any]] = []
            flags = dict(own(image.extra, "labelme").get("flags") or {})
            for one in image.annotations:
                if one.label not in known and one.label:
                    raise unknown(one.label, image.name)
                if not _add(one, image, shapes, flags, tally):
                    continue
                used.add(one.label)
                unheld.annotation(one, image)
            tally.images += 1
            place.write(f"{without_suffix(name)}.json", _document(image, name, shapes, flags, tally))
            place.add_image(image.path, name, mode, tally, image.name)
    report_unused(dataset, used, tally)
    return tally.report("labelme", target)


def _add(
    one: DatasetAnnotation, image: DatasetImage, shapes: list[dict[str, Any]], flags: dict[str, Any], tally: Tally
) -> bool:
    """Add a shape or flag; False when there is no form for it (reported)."""
    kind, how = one.geometry.kind.value, ""
    if isinstance(one.geometry, Tag):
        flags[one.label], how = True, "written as a flag of the picture"
        if one.attributes or one.track_id is not None:
            tally.dropped(one.label, "fields of a tag", "a flag of Labelme is only true or false", image.name)
    else:
        found = _shape(one)
        if found is None:
            tally.dropped(one.label, kind, WHY, image.name)
            return False
        shape, how = found
        shapes.append(shape)
    tell(tally, one, image, how)
    return True


def _shape(one: DatasetAnnotation) -> tuple[dict[str, Any], str] | None:
    foreign = dict(own(one.extra, "labelme"))
    circle, wanted, corners = (foreign.pop(key, None) for key in ("circle", "shape_type", "corners"))
    shape: dict[str, Any] = {"label": one.label, "group_id": None, "description": "", "flags": {}, **foreign}
    shape["mask"] = None
    how = ""
    match one.geometry:
        case Box(x1, y1, x2, y2):
            shape |= {"shape_type": "rectangle", "points": [[x1, y1], [x2, y2]]}
        case Polygon():
            if isinstance(circle, Mapping) and circle.get("of") == hash(one.geometry):
                shape |= {"shape_type": "circle", "points": circle["points"]}
            elif isinstance(corners, Mapping) and corners.get("of") == hash(one.geometry):
                shape |= {"shape_type": corners["shape_type"], "points": corners["points"]}
            elif len(one.geometry.parts) == 1 and not one.geometry.parts[0].holes:
                shape |= {"shape_type": "polygon", "points": one.geometry.parts[0].outer}
            else:
                how = _PARTS
                shape |= {"shape_type": "polygon", "points": keyhole(one.geometry)}
        case RotatedBox() if isinstance(corners, Mapping) and corners.get("of") == hash(one.geometry):
            shape |= {"shape_type": corners["shape_type"], "points": corners["points"]}
        case RotatedBox():
            how = "written as a polygon of its four corners"
            shape |= {"shape_type": "polygon", "points": one.geometry.corners()}
        case Polyline(points):
            line = wanted == "line" and len(points) == 2
            shape |= {"shape_type": "line" if line else "linestrip", "points": points}
        case Point(x, y):
            shape |= {"shape_type": "point", "points": [[x, y]]}
        case Keypoints(points):
            shown = [[x, y] for x, y, visible in points if visible]
            if not shown:
                return None
            shape |= {"shape_type": "points", "points": shown}
            how = "" if all(v == Visibility.VISIBLE for *_, v in points) else _SEEN
        case Mask(x, y, width, height):
            corners = [[float(x), float(y)], [float(x + width - 1), float(y + height - 1)]]
            shape |= {"shape_type": "mask", "points": corners, "mask": _picture(one.geometry)}
        case _:
            return None
    if one.attributes:
        shape["attributes"] = dict(one.attributes)
    if one.track_id is not None:
        shape["track_id"] = one.track_id
    return shape, how


def _picture(mask: Mask) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask.to_array()).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _document(
    image: DatasetImage, name: str, shapes: list[dict[str, Any]], flags: dict[str, Any], tally: Tally
) -> bytes:
    foreign = {key: value for key, value in own(image.extra, "labelme").items() if key not in ("flags", "imagePath")}
    if foreign.get(EMBEDDED):
        foreign[EMBEDDED] = _embedded(image, tally)
    content = {
        "version": _VERSION,
        "flags": flags,
        "shapes": shapes,
        "imagePath": PurePosixPath(name).name,
        EMBEDDED: None,
        "imageHeight": image.height or None,
        "imageWidth": image.width or None,
        **foreign,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _embedded(image: DatasetImage, tally: Tally) -> str | None:
    """The picture's file inside the JSON, as it was read; nothing when the file is gone (and that is reported)."""
    if image.path is None or not image.path.is_file():
        tally.dropped("", "embedded picture", "the picture is missing", image.name)
        return None
    return base64.b64encode(image.path.read_bytes()).decode()
