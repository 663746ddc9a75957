"""Writes DOTA: labelTxt/ and images/, below a folder of the split where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from annotator.domain.geometry import XY, Box, Geometry, Mask, Polygon, RotatedBox
from annotator.formats.corners import corners, is_quad
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage
from annotator.formats.dota.spec import DIFFICULT, SPEC
from annotator.formats.labels import report_unused, unknown
from annotator.formats.names import without_suffix
from annotator.formats.numbers import written
from annotator.formats.outline import smallest_box, traced
from annotator.formats.report import Report, Tally, own
from annotator.formats.spec import ImagesMode
from annotator.formats.target import Target
from annotator.formats.unheld import WHY, Unheld
from annotator.formats.writing import FreeStems, passing, tell
from annotator.job_context import QUIET, JobContext

_HEADER = ("imagesource", "gsd")


def write(
    dataset: Dataset,
    target: Path,
    *,
    images: ImagesMode | str = ImagesMode.NONE,
    merge: bool = False,
    replace: bool = False,
    context: JobContext = QUIET,
) -> Report:
    """Write DOTA; see ``spec.Writer``."""
    tally, mode = Tally(), ImagesMode(images)
    unheld = Unheld(SPEC, tally)
    unheld.labels(dataset)
    classes, used = _classes(dataset, tally), set[str]()
    stems = FreeStems(tally, "DOTA")
    with Target(target, merge=merge, replace=replace) as place:
        for image in passing(dataset, unheld, context, "DOTA"):
            folder = f"{image.split.value}/" if image.split else ""
            name = stems.free(image.name, folder)
            lines = [f"{key}:{value}\n" for key, value in own(image.extra, "dota").items() if key in _HEADER]
            for one in image.annotations:
                line = _line(one, image, classes, tally)
                if not line:
                    continue
                used.add(one.label)
                unheld.annotation(one, image)
                lines.append(line)
            tally.images += 1
            place.write(f"{folder}labelTxt/{without_suffix(name)}.txt", "".join(lines).encode())
            place.add_image(image.path, f"{folder}images/{name}", mode, tally, image.name)
    report_unused(dataset, used, tally)
    return tally.report("dota", target)


def _classes(dataset: Dataset, tally: Tally) -> dict[str, str]:
    """The class word of each label: DOTA's tools cut lines at blanks, so a class is one word."""
    words: dict[str, str] = {}
    for label in dataset.labels:
        word = free = "-".join(label.name.split()) or "-"
        count = 1
        while free in words.values() or free.isdecimal():
            count += 1
            free = f"{word}-{count}"
        if free != label.name:
            tally.converted(label.name, "label", f"written as {free}: a class of DOTA is one word", "")
        words[label.name] = free
    return words


def _line(one: DatasetAnnotation, image: DatasetImage, classes: Mapping[str, str], tally: Tally) -> str:
    """The line, or nothing when there is no form for it (reported)."""
    found = _ring(one)
    if found is None:
        tally.dropped(one.label, one.geometry.kind.value, WHY, image.name)
        return ""
    if one.label not in classes:
        raise unknown(one.label, image.name)
    ring, how = found
    tell(tally, one, image, how)
    difficult = one.attributes.get(DIFFICULT, False)
    if not isinstance(difficult, int) or difficult < 0:
        tally.converted(one.label, f"attribute {DIFFICULT}", "written as 0 or 1", image.name)
        difficult = bool(difficult)
    numbers = " ".join(written(value) for point in ring for value in point)
    return f"{numbers} {classes[one.label]} {int(difficult)}\n"


def _ring(one: DatasetAnnotation) -> tuple[tuple[XY, ...], str] | None:
    """Four corners, and what was done for them. Corners that were read stay as they were while the box is unchanged."""
    geometry: Geometry = one.geometry
    match geometry:
        case RotatedBox():
            read = own(one.extra, "dota").get("corners")
            if isinstance(read, Mapping) and read.get("of") == hash(geometry):
                return tuple((float(x), float(y)) for x, y in read["points"]), ""
            return corners(geometry), ""
        case Box():
            return corners(geometry), SPEC.converts[geometry.kind]
        case Polygon() if is_quad(geometry):
            return geometry.parts[0].outer, ""
        case Polygon():
            return smallest_box(geometry), "written as the smallest rotated box around it"
        case Mask():
            return smallest_box(traced(geometry)), SPEC.converts[geometry.kind]
    return None
