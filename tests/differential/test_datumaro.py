"""Datumaro reads our exports as we wrote them, and we read its exports as it did; run where an environment with it is given.

``ANNOTATOR_DATUMARO_PYTHON`` names the Python of that environment, ``ANNOTATOR_FOREIGN_DATASETS`` data sets of other tools that
both are to read, as ``importer=folder`` with the path separator between them (see CONTRIBUTING). Where the two differ on
purpose, the case says so: datumaro takes VOC's and MOT's pixels as counted from 0, while their specifications count from 1.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from annotator.domain.geometry import (
    Box,
    Caption,
    Geometry,
    GeometryKind,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.domain.kinds import Split
from annotator.domain.records import Skeleton
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

PYTHON = os.environ.get("ANNOTATOR_DATUMARO_PYTHON", "")
SCRIPT = Path(__file__).with_name("datumaro_dump.py")
pytestmark = [
    pytest.mark.differential,
    pytest.mark.skipif(
        not PYTHON, reason="needs ANNOTATOR_DATUMARO_PYTHON, the Python of an environment with datumaro"
    ),
]
WIDTH, HEIGHT = 64, 48
CLOSE = 0.006
"""Datumaro rounds coordinates to two places."""
_K = GeometryKind
SHAPES: dict[GeometryKind, Geometry] = {
    _K.TAG: Tag(),
    _K.BOX: Box(2.5, 3.25, 11, 20.5),
    _K.ROTATED_BOX: RotatedBox(30, 20, 10, 6, 30),
    _K.POLYGON: Polygon.of(((1, 1), (20.25, 1), (20.25, 15.5))),
    _K.MASK: Mask(3, 4, 3, 2, (0, 2, 1, 1, 1, 1)),
    _K.POLYLINE: Polyline(((1, 2), (3.5, 4), (8, 9))),
    _K.POINT: Point(5.5, 6),
    _K.KEYPOINTS: Keypoints(((4, 5, 2), (6.5, 7, 1))),
    _K.CAPTION: Caption("a cat"),
}


@dataclass(frozen=True)
class Case:
    """A format under both names, the kinds that both have, and the images that datumaro's layout can hold.

    ``exported``: what datumaro's ``exporter`` writes, where it writes less; ``extra``: it reads a box beside outlines.
    ``from_one``: (x1, y1, x2, y2) differ by this much, because datumaro counts pixels from 0 where the format does from 1.
    """

    ours: str
    theirs: str
    kinds: tuple[GeometryKind, ...]
    exporter: str = ""
    exported: tuple[GeometryKind, ...] = ()
    names: tuple[str, ...] = ("a.jpg", "sub/a.jpg", "b.jpg")
    from_one: tuple[float, float, float, float] = (0, 0, 0, 0)
    extra: bool = False

    def __str__(self) -> str:
        return f"{self.ours}-{self.theirs}"


CASES = (
    Case(
        "coco",
        "coco",
        (_K.BOX, _K.POLYGON, _K.MASK, _K.CAPTION),
        "coco_instances",
        exported=(_K.BOX, _K.POLYGON, _K.MASK),
        extra=True,
    ),
    Case("coco", "coco_labels", (_K.TAG,), "coco_labels"),
    Case("cvat", "cvat", (_K.TAG, _K.BOX, _K.ROTATED_BOX, _K.POLYGON, _K.MASK, _K.POLYLINE, _K.POINT), "cvat"),
    Case("datumaro", "datumaro", tuple(kind for kind in SHAPES if kind is not _K.ROTATED_BOX), "datumaro"),
    Case("dota", "dota", (_K.ROTATED_BOX,), names=("a.png", "c.png", "b.png")),
    Case("imagenet", "imagenet_with_subset_dirs", (_K.TAG,), names=("cat/a.jpg", "cat/c.jpg", "cat/b.jpg")),
    Case(
        "mot",
        "mot_seq",
        (_K.BOX,),
        names=("s/img1/000001.jpg", "s/img1/000002.jpg", "s/img1/000003.jpg"),
        from_one=(1, 1, 1, 1),
    ),
    Case("open_images", "open_images", (_K.TAG, _K.BOX, _K.MASK), "open_images"),
    Case("voc", "voc", (_K.BOX,), "voc_detection", from_one=(1, 1, 0, 0)),
    Case("yolo", "yolo", (_K.BOX,), names=("a.jpg", "c.jpg", "b.jpg")),
)
SPLITS = (Split.TRAIN, Split.TRAIN, Split.VAL)


def dataset(case: Case, folder: Path) -> Dataset:
    """Three pictures, two of them of one name where the format allows it, with one shape of each kind."""
    person = DatasetLabel("person", skeleton=Skeleton(("head", "foot"), ((0, 1),)))
    images = []
    for name, split in zip(case.names, SPLITS, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Picture.new("RGB", (WIDTH, HEIGHT)).save(path)
        found = tuple(DatasetAnnotation(_label(kind), SHAPES[kind]) for kind in case.kinds)
        images.append(DatasetImage(name, found, WIDTH, HEIGHT, path, None if case.ours == "mot" else split, done=True))
    labels = (DatasetLabel("cat"), person) if _K.KEYPOINTS in case.kinds else (DatasetLabel("cat"),)
    return Dataset(labels, tuple(images))


def _label(kind: GeometryKind) -> str:
    return {_K.CAPTION: "", _K.KEYPOINTS: "person"}.get(kind, "cat")


def datumaro(*arguments: str | Path) -> Any:
    """The items that the other environment reads, or nothing after a conversion."""
    command = [PYTHON, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("ITEMS ")]
    return json.loads(lines[0].removeprefix("ITEMS ")) if lines else None


def said(one: DatasetAnnotation, shift: tuple[float, float, float, float]) -> tuple[str, str, tuple[float, ...]]:
    """Our annotation as the script says one of datumaro's."""
    match one.geometry:
        case Tag():
            return "label", one.label, ()
        case Caption(text):
            return "caption", text, ()
        case Box():
            return "bbox", one.label, tuple(a + b for a, b in zip(one.geometry.bounds(), shift, strict=True))
        case RotatedBox():
            return "rotated_bbox", one.label, _ring(value for point in one.geometry.corners() for value in point)
        case Polygon():
            return "polygon", one.label, tuple(v for point in one.geometry.parts[0].outer for v in point)
        case Polyline(points):
            return "polyline", one.label, tuple(v for point in points for v in point)
        case Point(x, y):
            return "points", one.label, (x, y, 2.0)
        case Keypoints(points):
            return "points", one.label, tuple(float(v) for point in points for v in point)
    pixels = np.flatnonzero(one.geometry.to_full_array(HEIGHT, WIDTH))
    return "mask", one.label, tuple(float(place) for place in pixels)


def _ring(values: Iterable[float]) -> tuple[float, ...]:
    """Corners from the leftmost of the highest on, so that where a ring starts does not matter."""
    flat = tuple(values)
    points = list(zip(flat[::2], flat[1::2], strict=True))
    first = min(range(len(points)), key=lambda at: (round(points[at][1], 1), points[at][0]))
    return tuple(value for point in (*points[first:], *points[:first]) for value in point)


def agree(ours: list[Any], theirs: list[Any], where: str) -> None:
    """Both say the same annotations, in any order."""
    assert len(theirs) == len(ours), f"{where}: {theirs} instead of {ours}"
    for (kind, label, numbers), (their_kind, their_label, their_numbers) in zip(
        sorted(ours), sorted(theirs), strict=True
    ):
        assert (their_kind, their_label) == (kind, label), where
        assert list(their_numbers) == pytest.approx(list(numbers), abs=CLOSE), f"{where}: {kind}"


def plain(annotation: dict[str, Any]) -> tuple[str, str, tuple[float, ...]]:
    numbers = tuple(annotation["numbers"])
    return annotation["type"], annotation["label"], _ring(numbers) if annotation["type"] == "rotated_bbox" else numbers


@pytest.mark.parametrize("case", CASES, ids=str)
def test_datumaro_reads_what_we_wrote(case: Case, tmp_path: Path):
    sent = dataset(case, tmp_path / "pictures")
    report = registry.writer(case.ours).write(sent, tmp_path / "out", images="copy")
    assert {row.kind for row in report.lossy} <= {"skeleton"}
    target = tmp_path / "out"
    found = datumaro("read", case.theirs, target / "s" if case.ours == "mot" else target)
    names = [label.name for label in sent.labels]
    assert [name for name in found["labels"] if name in names] == names
    items = {item["id"]: item for item in found["items"]}
    assert len(items) == len(case.names)
    for image in sent.images:
        identity = image.name.removeprefix("s/img1/").rpartition(".")[0]
        item = next(
            one
            for key, one in items.items()
            if key in (identity, identity.lstrip("0")) or key == identity.replace("/", ":")
        )
        theirs = [plain(one) for one in item["annotations"]]
        if case.extra:  # datumaro adds the box of each COCO record to its polygon or mask
            boxes = sum(one[0] in ("polygon", "mask") for one in theirs)
            around = [("bbox", "cat", SHAPES[kind].bounds()) for kind in case.kinds if kind in (_K.POLYGON, _K.MASK)]
            assert boxes == len(around)
            agree([said(one, case.from_one) for one in image.annotations] + around, theirs, image.name)
        else:
            agree([said(one, case.from_one) for one in image.annotations], theirs, image.name)


@pytest.mark.parametrize("case", [case for case in CASES if case.exporter], ids=str)
def test_we_read_what_datumaro_wrote(case: Case, tmp_path: Path):
    """Our Datumaro JSON, which datumaro reads as we wrote it (see above), goes through datumaro into the format and to us."""
    wanted = dataset(case, tmp_path / "pictures")
    held = set(case.exported or case.kinds) & registry.spec("datumaro").kinds
    sent = replace(
        wanted,
        images=tuple(
            replace(image, annotations=tuple(a for a in image.annotations if a.geometry.kind in held))
            for image in wanted.images
        ),
    )
    registry.writer("datumaro").write(sent, tmp_path / "json", images="copy")
    datumaro("convert", case.exporter, tmp_path / "json", tmp_path / "out")
    read = registry.reader(case.ours).read(tmp_path / "out", image_size=lambda _: (WIDTH, HEIGHT))
    images = list(read.dataset.images)
    assert read.report().warnings == ()
    assert len(images) == len(case.names)
    shift = tuple(-each for each in case.from_one)
    for image in sent.images:
        stem = image.name.rpartition(".")[0]
        got = next(one for one in images if one.name.rpartition(".")[0] in (stem, stem.replace("/", "_")))
        ours = [said(one, shift) for one in image.annotations]  # type: ignore[arg-type]
        agree(ours, [said(one, (0, 0, 0, 0)) for one in got.annotations], image.name)


FOREIGN = [pair.partition("=") for pair in os.environ.get("ANNOTATOR_FOREIGN_DATASETS", "").split(os.pathsep) if pair]
OURS = {case.theirs: case for case in CASES}


@pytest.mark.parametrize(("theirs", "folder"), [(name, Path(path)) for name, _, path in FOREIGN])
def test_both_read_the_same_from_other_tools_files(theirs: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Each annotation that we read is one that datumaro reads; what it reads beside them is of a kind that is known."""
    case = OURS.get(theirs) or OURS[theirs.split("_")[0] if theirs.startswith("coco") else "coco"]
    sizes = {file.name: _size(file) for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".png")}
    read = registry.reader(case.ours).read(folder, image_size=lambda name: sizes.get(Path(name).name), skip_bad=True)
    images = list(read.dataset.images)
    ours = []
    for image in images:
        monkeypatch.setattr(f"{__name__}.WIDTH", image.width)
        monkeypatch.setattr(f"{__name__}.HEIGHT", image.height)
        ours += [said(one, case.from_one) for one in image.annotations]
    items = datumaro("read", theirs, folder)["items"]
    assert len(items) == len(images)
    found = [
        one for item in items for one in item["annotations"] if not _known_surplus(case, one, {o[1] for o in ours})
    ]
    left = [plain(one) for one in found]
    for kind, label, numbers in ours:
        same = next((one for one in left if one[:2] == (kind, label) and _close(one[2], numbers)), None)
        assert same is not None, f"{(kind, label, numbers)} is not among {left}"
        left.remove(same)
    assert [one for one in left if not (case.extra and one[0] == "bbox")] == []


def _known_surplus(case: Case, one: dict[str, Any], labels: set[str]) -> bool:
    """Shapes of tracks that are out of sight, shapes without a label, VOC's parts of objects and its lists of classes."""
    out_of_sight = one["attributes"].get("outside") is True
    return (
        out_of_sight
        or (not one["label"] and one["type"] != "caption")
        or (case.ours == "voc" and (one["type"] == "label" or one["label"] not in labels))
    )


def _close(one: Iterable[float], other: Iterable[float]) -> bool:
    first, second = list(one), list(other)
    return len(first) == len(second) and all(abs(a - b) <= CLOSE for a, b in zip(first, second, strict=True))


def _size(file: Path) -> tuple[int, int]:
    with Picture.open(file) as picture:
        return picture.size
