"""Datasets for the contract of formats: Hypothesis draws what a spec says the format holds, and one sample of all it may not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from annotator.domain.geometry import (
    Box,
    Caption,
    Geometry,
    GeometryKind,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.domain.kinds import Split
from annotator.domain.records import Skeleton
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel
from annotator.formats.spec import Field, FormatSpec

WIDTH, HEIGHT = 61, 47
LABELS = ("cat", "große Eule", 'it\'s "one"', "鳥", "e\u0301cole")
IMAGES = ("a.jpg", "sub/a.jpg", "sub dir/a.jpg", "другой/b'c.png", "e\u0301.jpg", "\u00e9.jpg", "a.png")
SCHEMA = {
    "size": {"type": "number", "range": [-5, 5, 1]},
    "fur": {"type": "choice", "choices": ["red", "grey & white"], "default": "grey & white", "input": "radio"},
    "name": {"type": "text", "default": "Tom", "mutable": True},
    "asleep": {"type": "checkbox", "default": True},
}
SKELETON = Skeleton(("nose", "left", "right"), ((0, 1), (0, 2)))

_x = st.floats(0, WIDTH, allow_nan=False)
_y = st.floats(0, HEIGHT, allow_nan=False)
_xy = st.tuples(_x, _y)


def _box(draw: st.DrawFn) -> Box:
    x1, y1 = draw(st.floats(0, WIDTH - 2)), draw(st.floats(0, HEIGHT - 2))
    return Box(x1, y1, draw(st.floats(x1 + 1, WIDTH)), draw(st.floats(y1 + 1, HEIGHT)))


def _ring(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    box = _box(draw)
    middle = draw(st.lists(_xy, max_size=3))
    return ((box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), *middle)


def _mask(draw: st.DrawFn, cell: int | None = None) -> Mask:
    """A mask anywhere, or inside one of the cells of 8 x 8 pixels that the picture has room for."""
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    bits = draw(st.integers(1, 2 ** (height * width) - 1))
    pixels = np.asarray([bits >> place & 1 for place in range(height * width)], dtype=bool).reshape(height, width)
    x = draw(st.integers(0, WIDTH - 8)) if cell is None else cell % 7 * 8
    y = draw(st.integers(0, HEIGHT - 8)) if cell is None else cell // 7 * 8
    mask = Mask.from_array(pixels, x, y)
    assert mask is not None
    return mask


@st.composite
def geometries(draw: st.DrawFn, kind: GeometryKind, *, parts: int = 3) -> Geometry:
    """One geometry of the kind with an area inside the image; polygons without holes."""
    match kind:
        case GeometryKind.TAG:
            return Tag()
        case GeometryKind.BOX:
            return _box(draw)
        case GeometryKind.ROTATED_BOX:
            return RotatedBox(30.0, 20.0, draw(st.floats(1, 20)), draw(st.floats(1, 20)), draw(st.floats(0, 179)))
        case GeometryKind.POLYGON:
            return Polygon(tuple(PolygonPart(_ring(draw)) for _ in range(draw(st.integers(1, parts)))))
        case GeometryKind.MASK:
            return _mask(draw)
        case GeometryKind.POLYLINE:
            return Polyline(tuple(draw(st.lists(_xy, min_size=2, max_size=4))))
        case GeometryKind.POINT:
            return Point(*draw(_xy))
        case GeometryKind.KEYPOINTS:
            return Keypoints(tuple((*draw(_xy), draw(st.integers(0, 2))) for _ in range(3)))
        case GeometryKind.CAPTION:
            return Caption(draw(st.text(min_size=1, max_size=8, alphabet="aé \"',\n<鳥")))


_values = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=4, alphabet="aé\"'&< "))
_typed = {"colour": st.text(max_size=4, alphabet="aé\"'&< "), "größe": st.integers(-5, 5), "worn": st.booleans()}
_TOLD = {"pose": "Left", "visibility": 0.25}


def _attributes(draw: st.DrawFn, spec: FormatSpec, kind: GeometryKind) -> dict[str, Any]:
    if Field.ATTRIBUTES not in spec.fields or (spec.attribute_kinds and kind not in spec.attribute_kinds):
        return {}
    if spec.attributes is None:
        if spec.typed_attributes:
            return draw(st.fixed_dictionaries({}, optional=_typed))
        return draw(st.dictionaries(st.sampled_from(["colour", "größe", "worn"]), _values, max_size=2))
    names = draw(st.sets(st.sampled_from(sorted(spec.attributes))))
    return {name: _TOLD.get(name, True) for name in names}


@st.composite
def datasets(draw: st.DrawFn, spec: FormatSpec) -> Dataset:
    """A dataset within what ``spec`` declares."""
    skeleton = SKELETON if GeometryKind.KEYPOINTS in spec.kinds else None
    names = [name for name in spec.label_names or LABELS if not (spec.single_tag and '"' in name)]
    schema = dict(draw(st.permutations(list(SCHEMA.items())))) if Field.SCHEMA in spec.fields else {}
    labels = tuple(DatasetLabel(name, skeleton=skeleton, schema=schema) for name in draw(st.permutations(names)))
    kinds = [draw(st.sampled_from(sorted(spec.kinds)))] if spec.one_kind else sorted(spec.kinds)
    images = []
    for name in draw(st.lists(st.sampled_from(spec.image_names or IMAGES), unique=True, min_size=1, max_size=4)):
        found = []
        least = 0 if Field.EMPTY_IMAGES in spec.fields else 1
        for _ in range(draw(st.integers(least, 1 if spec.single_tag else 3))):
            geometry = draw(geometries(draw(st.sampled_from(kinds)), parts=1 if spec.one_part else 3))
            if spec.disjoint and isinstance(geometry, Mask):
                geometry = _mask(draw, len(found))
            if spec.needs_visible and isinstance(geometry, Keypoints):
                geometry = Keypoints(((*geometry.points[0][:2], 2), *geometry.points[1:]))
            suggested = (
                Field.SUGGESTED in spec.fields and geometry.kind is not GeometryKind.CAPTION and draw(st.booleans())
            )
            confidence = draw(st.sampled_from([None, 0.25, 0.1])) if Field.CONFIDENCE in spec.fields else None
            found.append(
                DatasetAnnotation(
                    "" if isinstance(geometry, Caption) else draw(st.sampled_from([one.name for one in labels])),
                    geometry,
                    _attributes(draw, spec, geometry.kind),
                    draw(st.sampled_from([None, 3])) if Field.TRACK in spec.fields else None,
                    confidence=confidence,
                    suggested=suggested,
                )
            )
        split = (
            draw(st.sampled_from([*Split] if spec.needs_split else [None, *Split]))
            if Field.SPLIT in spec.fields
            else None
        )
        note = draw(st.sampled_from(["", "blurred"])) if Field.NOTE in spec.fields else ""
        if spec.single_tag:
            name = "/".join([*([split.value] if split else []), found[0].label, name.removeprefix("cat/")])
        images.append(DatasetImage(name, tuple(found), WIDTH, HEIGHT, split=split, note=note))
    return Dataset(labels, tuple(images))


def everything() -> Dataset:
    """One image with each geometry kind and each field set, so that a format must hold it or say that it did not."""
    ring = ((1.0, 1.0), (20.0, 1.0), (20.0, 20.0), (1.0, 20.0))
    hole = ((5.0, 5.0), (10.0, 5.0), (10.0, 10.0))
    mask = Mask.from_array(np.ones((2, 3), dtype=bool), 4, 5)
    assert mask is not None
    shapes: tuple[Geometry, ...] = (
        Tag(),
        Box(1, 2, 10, 12.5),
        RotatedBox(20, 20, 10, 5, 30),
        Polygon.of(ring, hole),
        Polygon((PolygonPart(ring), PolygonPart(hole))),
        mask,
        Polyline(ring),
        Point(3, 4),
        Keypoints(((1, 2, 2), (3, 4, 1), (0, 0, 0))),
        Caption("a cat"),
    )
    found = [
        DatasetAnnotation(
            "" if isinstance(shape, Caption) else "cat",
            shape,
            {"colour": "red", "difficult": True},
            track_id=1,
            z_order=2,
            confidence=0.5,
            extra={"elsewhere": {"x": 1}},
        )
        for shape in shapes
    ]
    found.append(DatasetAnnotation("cat", Box(0, 0, 5, 5), confidence=0.75, suggested=True))
    label = DatasetLabel(
        "cat", 7, "#FF0000", "animal", SKELETON, ("kitten",), schema=SCHEMA, definition="small, says miaow"
    )
    image = DatasetImage(
        "sub/a.jpg", tuple(found), WIDTH, HEIGHT, None, Split.VAL, done=True, flagged=True, note="look again"
    )
    return Dataset((label,), (image, DatasetImage("empty.jpg", (), WIDTH, HEIGHT, done=True)))


def plain(images: Iterable[DatasetImage]) -> list[DatasetImage]:
    """Images by name without what a format may add: foreign fields, paths, provenance; annotations in a stable order."""

    def bare(one: DatasetAnnotation) -> DatasetAnnotation:
        return replace(one, extra={}, annotator="", attributes=dict(one.attributes))

    bared = [
        replace(i, annotations=tuple(sorted(map(bare, i.annotations), key=_order)), path=None, done=False, extra={})
        for i in images
    ]
    return sorted(bared, key=lambda image: image.name)


def _order(one: DatasetAnnotation) -> str:
    return repr((one.suggested, one.label, one.geometry, sorted(one.attributes.items()), one.confidence, one.track_id))


def numbers(geometry: Geometry) -> list[float]:
    """All coordinates of a geometry, flat."""
    flat: list[float] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in sorted(value.items()):
                if key != "kind":
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, int | float):
            flat.append(float(value))

    walk(geometry.to_json())
    return flat
