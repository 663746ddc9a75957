"""The whole loop in the real window: every step is a key press or a mouse event, and the models run in the real engine process.

A person's morning in nine chapters, one after the other over the same project. ``hands`` work the window; what the test looks
at directly is only what is on screen and what was exported.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as mask_file
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from shapely.geometry import Polygon as ShapelyPolygon

from annotator.domain.geometry import Box, Geometry, Keypoints, Mask, Point, Polygon, Polyline, RotatedBox
from annotator.domain.kinds import Decision, ImageState, Source, Task
from annotator.domain.records import Annotation
from tests.e2e.hands import CTRL, SHIFT, XY, Hands, Key
from tests.e2e.pictures import BROKEN, LABELS, ODD_NAME, PHONE, PHONE_SIZE, READABLE, SIXTEEN, TWINS
from ui.dialogs.export_dialog import ExportDialog
from ui.dialogs.import_dialog import ImportDialog
from ui.dialogs.label_dialog import LabelDialog
from ui.dialogs.report import ReportDialog
from ui.start_page import RecentCard

Everything = Mapping[str, tuple[Annotation, ...]]


@dataclass
class Drawn:
    """What the mouse did: the image points that it met, by what was drawn."""

    box: Geometry | None = None
    corrected: Geometry | None = None
    polygon: list[XY] = field(default_factory=list)
    hole: list[XY] = field(default_factory=list)
    line: list[XY] = field(default_factory=list)
    point: XY = (0.0, 0.0)
    keypoints: list[XY] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_a_folder_of_pictures_becomes_a_corrected_dataset(
    photos: Path, tmp_path: Path, open_window: Callable[[], Hands]
) -> None:
    hands, drawn = open_window(), Drawn()
    open_the_folder(hands, photos)
    judge_tags(hands, drawn)
    draw_boxes(hands, drawn)
    draw_a_polygon_with_a_hole(hands, drawn)
    paint_a_mask(hands)
    draw_lines_and_points(hands, drawn)
    judge_boxes(hands, drawn, foreign_suggestions(tmp_path))
    undo_across_images(hands)
    finish_an_image(hands)
    before = everything(hands)

    hands.window.close()
    again = open_window()
    reopen(again)
    assert everything(again) == before
    undo_after_a_restart(again)
    assert everything(again) == before

    export(again, "COCO JSON", tmp_path / "coco")
    export(again, "Labelme", tmp_path / "labelme")
    export(again, "CSV of tags", tmp_path / "tags.csv")
    compare_coco(tmp_path / "coco", drawn, before)
    compare_labelme(tmp_path / "labelme", drawn)
    compare_tags(tmp_path / "tags.csv", drawn)


# --- chapters ----------------------------------------------------------------------------------------------------------


def open_the_folder(hands: Hands, photos: Path) -> None:
    """Start page, file dialog, the one question; then suggestions come from the engine."""
    window = hands.window
    hands.push(window.start.folder_button)
    hands.choose_path(photos)
    hands.until(lambda: window.start.answer.isVisible())
    assert window.findChildren(QFileDialog) == []
    assert window.start.answer.hasFocus()
    hands.key(", ".join(LABELS))
    hands.key(Key.Key_Return)
    hands.until(lambda: window.session.page is not None and window.canvas.hasFocus())
    hands.until(lambda: bool(window.session.visible_suggestions()))
    hands.until_idle()
    assert {row.uri for row in rows(hands)} == set(READABLE)
    assert window.annotate.suggestions.slider.caption == "confidence, uncalibrated"
    assert any(BROKEN in text for text in window.toasts.texts)
    sizes = {row.uri: (row.width, row.height) for row in rows(hands)}
    assert sizes[PHONE] == PHONE_SIZE
    assert next(row.bit_depth for row in rows(hands) if row.uri == SIXTEEN) == 16
    assert [label.name for label in window.session.ordered_labels()] == list(LABELS)
    hands.until(lambda: all(window.queue.rows.get(row.id).caption.endswith("?") for row in rows(hands)))


def judge_tags(hands: Hands, drawn: Drawn) -> None:
    """Enter accepts and goes on, another digit corrects and goes on, Backspace rejects."""
    window = hands.window
    window.canvas.setFocus()
    hands.key("t")
    first = hands.page.image
    said = window.session.visible_suggestions()[0]
    hands.key(Key.Key_Return)
    hands.until(lambda: hands.page.image.id != first.id)
    drawn.tags[first.uri] = window.session.labels[said.label_id].name
    assert judged(hands, first.id) == [(Decision.ACCEPTED, Source.ACCEPTED)]

    second = hands.page.image
    said = window.session.visible_suggestions()[0]
    other = next(n for n, v in enumerate(window.session.ordered_labels(), 1) if v.id != said.label_id)
    hands.key(str(other))
    hands.until(lambda: hands.page.image.id != second.id)
    drawn.tags[second.uri] = LABELS[other - 1]
    assert judged(hands, second.id) == [(Decision.CORRECTED, Source.CORRECTED)]

    third = hands.page.image
    wrong = window.session.visible_suggestions()[0]
    hands.key(Key.Key_Backspace)
    assert window.session.read_page(third.id).annotations == ()
    verdicts = window.session.read_page(third.id).verdicts
    assert [(v.suggestion_id, v.decision) for v in verdicts] == [(wrong.id, Decision.REJECTED)]
    hands.until_saved()


def draw_boxes(hands: Hands, drawn: Drawn) -> None:
    """A box relabelled by digit, and a box that stands at an angle, on the picture that the phone took on its side."""
    hands.find_image(PHONE)
    hands.key("b")
    (x1, y1), (x2, y2) = hands.drag([(40, 60), (220, 350)])
    hands.key("2")
    assert hands.label_of(hands.last) == "clock"
    drawn.box = Box(x1, y1, x2, y2)
    assert near(hands.last.geometry, drawn.box)
    hands.key("r")
    base = hands.drag([(60, 300), (160, 250)])
    hands.move(180, 290)
    across = hands.click(180, 290)
    shape = hands.last.geometry
    assert isinstance(shape, RotatedBox)
    assert stands_on(shape, base, across)
    hands.until_saved()


def draw_a_polygon_with_a_hole(hands: Hands, drawn: Drawn) -> None:
    """Clicks, Enter; then H held while the hole is clicked; then a vertex dragged."""
    hands.find_image("balloon.jpg")
    hands.key("p")
    drawn.polygon = [hands.click(x, y) for x, y in ((60, 60), (300, 50), (320, 250), (180, 300), (50, 240))]
    hands.key(Key.Key_Return)
    hands.key("1")
    assert isinstance(hands.last.geometry, Polygon)
    hands.key("v")
    canvas = hands.window.canvas
    QTest.keyPress(canvas, Key.Key_H)
    drawn.hole = [hands.click(x, y) for x, y in ((140, 120), (220, 120), (180, 190))]
    QTest.keyRelease(canvas, Key.Key_H)
    part = hands.last.geometry.parts[0]
    assert flat(sorted(part.holes[0])) == pytest.approx(flat(sorted(drawn.hole)))
    drawn.polygon[2] = hands.drag([drawn.polygon[2], (350, 270), (380, 280)])[-1]
    part = hands.last.geometry.parts[0]
    assert flat(sorted(part.outer)) == pytest.approx(flat(sorted(drawn.polygon)))
    hands.until_saved()


def paint_a_mask(hands: Hands) -> None:
    """A stroke of the brush, a second one that joins it, and the eraser through the middle."""
    hands.find_image(ODD_NAME)
    hands.key("m")
    hands.drag([(100, 100), (200, 110), (300, 120)])
    first = hands.last.geometry
    assert isinstance(first, Mask)
    hands.drag([(300, 120), (300, 220)])
    assert len(masks(hands)) == 1
    second = masks(hands)[0]
    assert second.area > first.area
    hands.key("e")
    hands.drag([(200, 60), (200, 160)])
    third = masks(hands)[0]
    assert third.area < second.area
    image = hands.page.image
    full = third.to_full_array(image.height, image.width)
    assert full[100, 100]
    assert full[200, 300]
    assert not full[110, 200]
    hands.key("v")
    hands.key("4")
    assert hands.label_of(hands.last) == "sailboat"
    hands.until_saved()


def draw_lines_and_points(hands: Hands, drawn: Drawn) -> None:
    """A line and a point on the 16-bit picture; keypoints along a skeleton that the label dialog was told of."""
    hands.find_image(SIXTEEN)
    hands.key("l")
    drawn.line = [hands.click(x, y) for x, y in ((30, 40), (120, 80), (200, 30))]
    hands.key(Key.Key_Return)
    assert isinstance(hands.last.geometry, Polyline)
    assert flat(hands.last.geometry.points) == pytest.approx(flat(drawn.line))
    hands.key("o")
    drawn.point = hands.click(250, 200)
    assert hands.last.geometry == Point(*drawn.point)
    hands.key("3")
    assert hands.label_of(hands.last) == "mushroom"
    hands.key(Key.Key_F2, SHIFT)
    dialog = hands.dialog(LabelDialog)
    hands.type_into(dialog.skeleton, "cap, stem\n1-2")
    hands.push_in(dialog, "Keep")
    hands.back()
    hands.until(hands.window.canvas.hasFocus)
    hands.key("k")
    drawn.keypoints = [hands.click(150, 100), hands.click(150, 180, SHIFT)]
    shape = hands.last.geometry
    assert isinstance(shape, Keypoints)
    assert hands.label_of(hands.last) == "mushroom"
    assert flat(shape.points) == pytest.approx(flat(drawn.keypoints))
    assert [seen for _, _, seen in shape.points] == [2, 1]
    hands.until_saved()


def judge_boxes(hands: Hands, drawn: Drawn, file: Path) -> None:
    """Boxes of a foreign model, imported as suggestions: accepted, dragged, given another digit, rejected."""
    hands.key(Key.Key_I, CTRL | SHIFT)
    dialog = hands.dialog(ImportDialog)
    hands.type_into(dialog.path.field, str(file))
    dialog.kind.setFocus()
    hands.key(Key.Key_Down)
    assert dialog.kind.currentData() == "suggestions"
    hands.until(dialog.start.isEnabled)
    hands.push_in(dialog, "Import")
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    hands.until_idle()
    hands.find_image(TWINS[0])
    hands.key("v")
    hands.until(lambda: len(boxes_open(hands)) == 4)
    active = hands.window.session.active_suggestion_id
    while active not in {s.id for s in boxes_open(hands)}:  # the tag of the image may be asked first
        hands.key(Key.Key_Tab)
        active = hands.window.session.active_suggestion_id
    best = boxes_open(hands)[0]
    assert active == best.id
    hands.key(Key.Key_Return)
    assert hands.last.geometry == best.geometry
    assert hands.last.source is Source.ACCEPTED
    drag_a_suggestion(hands, drawn)
    third = boxes_open(hands)[0]
    to_suggestion(hands, third.id)
    hands.key("3")
    assert (hands.label_of(hands.last), hands.last.source) == ("mushroom", Source.CORRECTED)
    assert hands.last.geometry == third.geometry
    fourth = boxes_open(hands)[0]
    to_suggestion(hands, fourth.id)
    hands.key(Key.Key_Backspace)
    assert boxes_open(hands) == []
    decisions = [v.decision for v in hands.page.verdicts]
    assert sorted(decisions) == sorted([Decision.ACCEPTED, Decision.CORRECTED, Decision.CORRECTED, Decision.REJECTED])
    hands.until_saved()


def drag_a_suggestion(hands: Hands, drawn: Drawn) -> None:
    """Moving a suggestion by the mouse accepts it where it was put."""
    second = boxes_open(hands)[0]
    to_suggestion(hands, second.id)
    assert isinstance(second.geometry, Box)
    x, y = (second.geometry.x1 + second.geometry.x2) / 2, (second.geometry.y1 + second.geometry.y2) / 2
    (x1, y1), *_, (x2, y2) = hands.drag([(x, y), (x + 9, y + 6), (x + 30, y + 20)])
    drawn.corrected = second.geometry.moved(x2 - x1, y2 - y1)
    moved = next(a for a in hands.page.annotations if a.suggestion_id == second.id)
    assert moved.source is Source.CORRECTED
    assert near(moved.geometry, drawn.corrected)


def undo_across_images(hands: Hands) -> None:
    """Undo shows the image that it changed; redo too."""
    hands.find_image(TWINS[1])
    hands.key("b")
    hands.drag([(50, 50), (150, 150)])
    one, kept_one = hands.page.image.id, hands.page.annotations
    hands.find_image("mushroom.jpg")
    hands.drag([(60, 60), (160, 160)])
    other, kept_other = hands.page.image.id, hands.page.annotations
    hands.find_image(PHONE)
    hands.key(Key.Key_Z, CTRL)
    assert hands.page.image.id == other
    assert len(hands.page.annotations) == len(kept_other) - 1
    hands.key(Key.Key_Z, CTRL)
    assert hands.page.image.id == one
    assert len(hands.page.annotations) == len(kept_one) - 1
    hands.find_image(PHONE)
    hands.key(Key.Key_Z, CTRL | SHIFT)
    assert (hands.page.image.id, hands.page.annotations) == (one, kept_one)
    hands.key(Key.Key_Z, CTRL | SHIFT)
    assert (hands.page.image.id, hands.page.annotations) == (other, kept_other)
    hands.until_saved()


def finish_an_image(hands: Hands) -> None:
    """Ctrl+Enter: done for the tool's task, next image."""
    hands.find_image(TWINS[1])
    image = hands.page.image
    hands.key(Key.Key_Return, CTRL)
    hands.until_saved()
    page = hands.window.session.read_page(image.id)
    assert Task.BOXES in page.done
    assert page.image.state is ImageState.DONE


def reopen(hands: Hands) -> None:
    """A click on the recent project; nothing is asked again."""
    card = hands.window.findChildren(RecentCard)[0]
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    hands.until(lambda: hands.window.session.page is not None and hands.window.canvas.hasFocus())
    hands.until_idle()


def undo_after_a_restart(hands: Hands) -> None:
    """The history is where it was: done, the two boxes; and forward again."""
    hands.find_image(PHONE)
    hands.key(Key.Key_Z, CTRL)
    assert hands.page.image.uri == TWINS[1]
    assert Task.BOXES not in hands.page.done
    hands.key(Key.Key_Z, CTRL)
    assert hands.page.image.uri == "mushroom.jpg"
    assert [a for a in hands.page.annotations if a.source is Source.DRAWN] == []
    hands.key(Key.Key_Z, CTRL | SHIFT)
    hands.key(Key.Key_Z, CTRL | SHIFT)
    assert hands.page.image.uri == TWINS[1]
    assert Task.BOXES in hands.page.done
    hands.until_saved()


def export(hands: Hands, title: str, target: Path) -> None:
    """Ctrl+E, the format by its name, the target by hand; the report says what was lost."""
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    dialog.format.setFocus()
    hands.key(title.split()[0])
    assert dialog.format.currentText().startswith(title)
    hands.type_into(dialog.path.field, str(target))
    hands.push_in(dialog, "Export")
    report = hands.dialog(ReportDialog)
    hands.push_in(report, "Close")
    hands.back()
    assert target.exists()


# --- comparing ---------------------------------------------------------------------------------------------------------


def compare_coco(folder: Path, drawn: Drawn, before: Everything) -> None:
    """The file as any program reads it: boxes, joints and masks are where the mouse put them."""
    data = json.loads((folder / "annotations" / "instances.json").read_text("utf-8"))
    names = {image["id"]: image["file_name"] for image in data["images"]}
    labels = {category["id"]: category["name"] for category in data["categories"]}
    people = json.loads((folder / "annotations" / "person_keypoints.json").read_text("utf-8"))
    names |= {image["id"]: image["file_name"] for image in people["images"]}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in [*data["annotations"], *people["annotations"]]:
        found.setdefault((names[row["image_id"]], labels[row["category_id"]]), []).append(row)
    (phone,) = [i for i in data["images"] if i["file_name"] == PHONE]
    assert (phone["width"], phone["height"]) == PHONE_SIZE
    assert drawn.box is not None
    assert corners(found[PHONE, "clock"][0]) == pytest.approx(drawn.box.bounds(), abs=1e-6)
    assert drawn.corrected is not None
    imported = [corners(row) for row in found[TWINS[0], "clock"]]
    assert imported == [pytest.approx((40, 40, 130, 120)), pytest.approx(drawn.corrected.bounds())]
    assert corners(found[TWINS[0], "mushroom"][0]) == pytest.approx((60, 180, 160, 250))
    (joints,) = found[SIXTEEN, "mushroom"]
    assert joints["keypoints"] == pytest.approx([*drawn.keypoints[0], 2, *drawn.keypoints[1], 1], abs=1e-6)
    (category,) = [c for c in people["categories"] if c["name"] == "mushroom"]
    assert (category["keypoints"], category["skeleton"]) == (["cap", "stem"], [[1, 2]])
    (row,) = found["balloon.jpg", "balloon"]
    shape = ShapelyPolygon(drawn.polygon, [drawn.hole])
    pixels = mask_file.decode(row["segmentation"]).astype(bool)
    assert pixels.sum() == pytest.approx(shape.area, rel=0.01)
    assert [bool(pixels[y, x]) for x, y in ((100, 200), (180, 140), (20, 20))] == [True, False, False]
    (row,) = found[ODD_NAME, "sailboat"]
    (mask,) = [a.geometry for a in before[ODD_NAME] if isinstance(a.geometry, Mask)]
    decoded = mask_file.decode(row["segmentation"]).astype(bool)
    assert np.array_equal(decoded, mask.to_full_array(*decoded.shape))
    tags = json.loads((folder / "annotations" / "labels.json").read_text("utf-8"))
    files = {image["id"]: image["file_name"] for image in tags["images"]}
    assert {files[t["image_id"]]: labels[t["category_id"]] for t in tags["annotations"]} == drawn.tags


def compare_labelme(folder: Path, drawn: Drawn) -> None:
    """What COCO cannot hold: the line and the point."""
    (file,) = folder.rglob(f"{Path(SIXTEEN).stem}.json")
    shapes = {shape["shape_type"]: shape for shape in json.loads(file.read_text("utf-8"))["shapes"]}
    assert flat(shapes["linestrip"]["points"]) == pytest.approx(flat(drawn.line), abs=1e-6)
    assert shapes["point"]["label"] == "mushroom"
    assert flat(shapes["point"]["points"])[:2] == pytest.approx(drawn.point, abs=1e-6)


def corners(row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """COCO's box as two corners."""
    x, y, width, height = row["bbox"]
    return x, y, x + width, y + height


def compare_tags(file: Path, drawn: Drawn) -> None:
    """Every tag that was given, under the name of its file."""
    with file.open(newline="", encoding="utf-8") as lines:
        told = {
            row["image"]: row["label"] for row in csv.DictReader(lines) if row["state"] in ("accepted", "corrected")
        }
    assert {uri: told.get(uri) for uri in drawn.tags} == drawn.tags


# --- looking -----------------------------------------------------------------------------------------------------------


def rows(hands: Hands) -> list[Any]:
    project = hands.window.session.project
    assert project is not None
    return project.images.many(hands.window.session.order.ids.tolist())


def everything(hands: Hands) -> Everything:
    """All annotations of all images as the window reads them."""
    hands.until_saved()
    return {row.uri: hands.window.session.read_page(row.id).annotations for row in rows(hands)}


def judged(hands: Hands, image_id: int) -> list[tuple[Decision, Source]]:
    page = hands.window.session.read_page(image_id)
    sources = {a.id: a.source for a in page.annotations}
    return [(v.decision, sources[v.annotation_id]) for v in page.verdicts if v.annotation_id in sources]


def masks(hands: Hands) -> list[Mask]:
    return [a.geometry for a in hands.page.annotations if isinstance(a.geometry, Mask)]


def boxes_open(hands: Hands) -> list[Any]:
    return [s for s in hands.window.session.visible_suggestions() if isinstance(s.geometry, Box)]


def to_suggestion(hands: Hands, wanted: Any) -> None:
    """Esc lets go of the selection, Tab walks to the suggestion."""
    hands.key(Key.Key_Escape)
    for _ in range(10):
        if hands.window.session.active_suggestion_id == wanted:
            return
        hands.key(Key.Key_Tab)
    raise AssertionError("Tab does not reach the suggestion")


def near(a: Geometry, b: Geometry | None, pixels: float = 1e-6) -> bool:
    return b is not None and a.bounds() == pytest.approx(b.bounds(), abs=pixels)


def flat(points: Iterable[Sequence[float]]) -> list[float]:
    """x and y of all points, one after the other."""
    return [value for point in points for value in point[:2]]


def stands_on(shape: RotatedBox, base: list[XY], across: XY) -> bool:
    """Two corners are the ends of the side that was dragged, and the opposite side runs through the last click."""
    (ax, ay), (bx, by) = base
    corners = shape.corners()
    ends = all(min(np.hypot(x - cx, y - cy) for cx, cy in corners) < 1e-6 for x, y in base)
    distance = abs((bx - ax) * (across[1] - ay) - (by - ay) * (across[0] - ax)) / np.hypot(bx - ax, by - ay)
    return ends and min(abs(distance - shape.width), abs(distance - shape.height)) < 1e-6


def foreign_suggestions(folder: Path) -> Path:
    """What another program's detector found, as COCO writes results."""
    boxes = [("clock", [40, 40, 90, 80], 0.95), ("clock", [160, 60, 80, 90], 0.9)]
    boxes += [("balloon", [60, 180, 100, 70], 0.85), ("sailboat", [220, 200, 70, 60], 0.8)]
    labels = {name: number for number, name in enumerate(LABELS, 1)}
    data = {
        "images": [{"id": 1, "file_name": TWINS[0]}],
        "categories": [{"id": number, "name": name} for name, number in labels.items()],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": labels[name], "bbox": box, "area": box[2] * box[3], "score": score}
            for n, (name, box, score) in enumerate(boxes, 1)
        ],
    }
    file = folder / "found.json"
    file.write_text(json.dumps(data), "utf-8")
    return file
