"""A scene built from the one before is the scene that would have been built anew."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.domain.geometry import (
    Box,
    Caption,
    Keypoints,
    Mask,
    Point,
    Polygon,
    PolygonPart,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.domain.records import Annotation, Label, Skeleton, Suggestion, new_annotation
from ui.canvas import CanvasColors, building, hit
from ui.canvas.building import SceneBuilder, Shown
from ui.canvas.scene import Scene

LABELS = {n: Label(n, f"label {n}", f"#0{n}0{n}0{n}", skeleton=Skeleton(("a", "b"), ((0, 1),))) for n in range(1, 5)}
TRIANGLE = ((0, 0), (30, 0), (0, 30))
GEOMETRIES = [
    Tag(),
    Caption("a sentence"),
    Box(5, 5, 40, 40),
    Box(5, 5, 90, 90),
    RotatedBox(50, 50, 20, 10, 30),
    Polygon.of(TRIANGLE),
    Polygon.of(((0, 0), (60, 0), (60, 60), (0, 60)), ((10, 10), (20, 10), (10, 20))),
    Polygon((PolygonPart(TRIANGLE), PolygonPart(((50, 50), (70, 50), (50, 70))))),
    Mask(10, 10, 4, 4, (0, 16)),
    Polyline(((0, 0), (50, 50))),
    Point(70, 20),
    Keypoints(((1, 1, 2), (40, 3, 1))),
    Keypoints(((0, 0, 0), (0, 0, 0))),
]

geometries = st.sampled_from(GEOMETRIES)
annotations = st.builds(
    lambda g, label, z, hidden: new_annotation(1, label, g, z_order=z, hidden=hidden),
    geometries,
    st.integers(1, 4),
    st.integers(-1, 1),
    st.booleans(),
)
suggestions = st.builds(
    lambda g, label, p: Suggestion(uuid4(), 1, 1, g, ((label, p),), p, p),
    geometries,
    st.integers(1, 4),
    st.floats(0, 1),
)
pages = st.tuples(st.lists(annotations, max_size=8), st.lists(suggestions, max_size=5))


def builder() -> SceneBuilder:
    made = SceneBuilder()
    made.set_labels(LABELS, CanvasColors())
    return made


def picture_of(scene: Scene) -> list[tuple[object, ...]]:
    """Everything that a scene says of each item, in paint order."""
    found = []
    for item in scene.all().tolist():
        record = scene.records[item]
        paths = range(scene.item_path[item], scene.item_path[item + 1])
        rings = [
            (scene.vertices[scene.path_start[p] : scene.path_start[p + 1]].tolist(), bool(scene.path_closed[p]))
            for p in paths
        ]
        look = scene.bounds_of(item), scene.color_of(item), int(scene.style[item]), bool(scene.masked[item])
        found.append((record.id, rings, *look))
    return found


def ids(picture: list[tuple[object, ...]]) -> set[object]:
    return {entry[0] for entry in picture}


@given(pages, pages, st.data())
@settings(max_examples=150, deadline=None)
def test_a_scene_from_the_last_one_equals_one_built_anew(first, second, data):
    made = builder()
    made.build(*first, Shown())
    kept = [a for a in first[0] if data.draw(st.booleans())]
    edited = [replace(a, geometry=data.draw(geometries)) for a in kept if data.draw(st.booleans())]
    changed = {a.id for a in edited}
    page = [*[a for a in kept if a.id not in changed], *edited, *second[0]], [*first[1][1:], *second[1]]
    shown = Shown(threshold=data.draw(st.floats(0, 1)))
    shaky: frozenset[UUID] = frozenset()
    scene, _ = made.build(*page, shown, shaky)
    anew, _ = builder().build(*page, shown, shaky)
    assert sorted(map(str, picture_of(scene))) == sorted(map(str, picture_of(anew)))
    expected = {a.id for a in page[0] if not a.hidden and a.geometry.kind not in ("tag", "caption")}
    expected |= {s.id for s in page[1] if s.confidence >= shown.threshold and s.geometry.kind not in ("tag", "caption")}
    assert ids(picture_of(scene)) == expected
    ranks = [(isinstance(r, Suggestion), getattr(r, "z_order", 0)) for r in (scene.records[i] for i in scene.all())]
    assert ranks == sorted(ranks)


@given(st.lists(annotations, min_size=1, max_size=6), st.data())
@settings(max_examples=60, deadline=None)
def test_many_edits_in_a_row_leave_what_a_new_scene_would_hold(page, data):
    """Removed, changed, added and put back, one after the other, until numbers of removed items must be dropped."""
    made, before = builder(), building.MOST_WASTED
    building.MOST_WASTED = 3
    try:
        for _ in range(12):
            page = list(page)
            match data.draw(st.sampled_from(("change", "remove", "add", "turn"))):
                case "change" if page:
                    at = data.draw(st.integers(0, len(page) - 1))
                    page[at] = replace(page[at], geometry=data.draw(geometries))
                case "remove" if page:
                    del page[data.draw(st.integers(0, len(page) - 1))]
                case "turn":
                    page.reverse()
                case _:
                    page.insert(data.draw(st.integers(0, len(page))), data.draw(annotations))
            scene, _ = made.build(page, [], Shown())
            anew, _ = builder().build(page, [], Shown())
            assert sorted(map(str, picture_of(scene))) == sorted(map(str, picture_of(anew)))
            assert len(scene) == len(anew) == len(scene.all())
            assert [scene.get(r.id) for r in page] == [anew.get(r.id) for r in page]
            x, y = data.draw(st.tuples(st.integers(0, 90), st.integers(0, 90)))
            assert (hit.item_at(scene, x, y, 1.0) is None) == (hit.item_at(anew, x, y, 1.0) is None)
    finally:
        building.MOST_WASTED = before


def test_only_what_differs_is_looked_at():
    rows = [object() for _ in range(9)]
    assert building.differing(rows, rows) == ([], [])
    other = object()
    assert building.differing(rows, [*rows[:4], other, *rows[5:]]) == ([rows[4]], [other])
    assert building.differing(rows, [*rows[:4], *rows[5:]]) == ([rows[4]], [])
    assert building.differing([*rows[:3], *rows[3:]], [*rows[:3], other, *rows[3:]]) == ([], [other])
    assert building.differing([rows[0]] * 3, [rows[0]] * 2) == ([rows[0]], [])
    assert building.differing(rows, rows[::-1]) == (rows, rows[::-1])


def test_only_what_differs_is_drawn_again():
    made = builder()
    still, moving = (new_annotation(1, 1, Box(x, 0, x + 9, 9)) for x in (0, 50))
    scene, changed = made.build([still, moving], [], Shown())
    assert changed is None and len(scene) == 2
    moved = replace(moving, geometry=Box(60, 0, 69, 9))
    assert made.build([still, moved], [], Shown())[1] == [(50, 0, 59, 9), (60, 0, 69, 9)]
    assert made.build([still, moved], [], Shown())[1] == []
    assert made.build([still], [], Shown())[1] == [(60, 0, 69, 9)]


def test_shaky_suggestions_change_their_style():
    made = builder()
    proposed = Suggestion(uuid4(), 1, 1, Box(0, 0, 9, 9), ((1, 0.5),), 0.5, 0.5)
    assert made.build([], [proposed], Shown())[0].style.tolist() == [1]
    assert made.build([], [proposed], Shown(), frozenset({proposed.id}))[0].style.tolist() == [2]


@given(st.floats(-5, 75), st.floats(-5, 75))
@settings(max_examples=200, deadline=None)
def test_the_inside_of_polygons_is_what_shapely_says(x, y):
    made = builder()
    for geometry in (g for g in GEOMETRIES if isinstance(g, Polygon)):
        scene, _ = made.build([new_annotation(1, 1, geometry)], [], Shown())
        found = hit.item_at(scene, x, y, 1e-9)
        shape = shapely.MultiPolygon([(p.outer, p.holes) for p in geometry.parts])
        if shape.boundary.distance(shapely.Point(x, y)) > 1e-6:
            assert (found is not None) == shape.contains(shapely.Point(x, y))


def test_of_an_annotation_and_a_suggestion_the_smaller_is_hit():
    made = builder()
    small: Annotation = new_annotation(1, 1, Box(40, 40, 60, 60))
    large = Suggestion(uuid4(), 1, 1, Box(0, 0, 100, 100), ((1, 0.9),), 0.9, 0.9)
    scene, _ = made.build([small], [large], Shown())
    assert scene.records[hit.item_at(scene, 50, 50, 1.0)].id == small.id
    assert scene.records[hit.item_at(scene, 20, 20, 1.0)].id == large.id
    assert hit.item_at(scene, 150, 20, 1.0) is None
