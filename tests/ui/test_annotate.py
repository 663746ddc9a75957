"""The Annotate screen, driven by real keys and mouse events on a real project."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator import edits
from annotator.domain.geometry import Box, GeometryKind
from annotator.domain.kinds import Decision, ImageState, Source, Split, Task
from annotator.domain.records import ImageFilter, new_annotation
from annotator.project import Project
from annotator.pseudolabel.calibrate import Calibration
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases import review_view, tag_table
from annotator.usecases.settings_view import TAG_RUN
from annotator.usecases.tag_table import GroupTable, TagTable
from tests.ui.conftest import BOX, OTHER_BOX, FakeEngine, press, suggest
from ui.dialogs.settings_dialog import SettingsDialog
from ui.main_window import MainWindow

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def drag(window: MainWindow, x1: float, y1: float, x2: float, y2: float) -> None:
    """A mouse drag between two image points."""
    canvas = window.canvas
    points = []
    for x, y in ((x1, y1), ((x1 + x2) / 2, (y1 + y2) / 2), (x2, y2)):
        sx, sy = canvas.view.to_screen(x, y)
        points.append(QPoint(round(sx / canvas.unit), round(sy / canvas.unit)))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, points[-1])


def names(window: MainWindow) -> list[str]:
    page = window.session.page
    assert page is not None
    return [window.session.labels[a.label_id].name for a in page.annotations]


def saved(window: MainWindow, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: window.toolbar.saved.state == "saved")


def test_a_box_is_drawn_labelled_by_digit_and_saved(window: MainWindow, qtbot: Any, project_path: Any) -> None:
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    assert names(window) == ["cat"]
    press(window, Qt.Key.Key_2)
    assert names(window) == ["dog"]
    saved(window, qtbot)
    image_id = window.session.page.image.id
    shape = window.session.page.annotations[0].geometry
    window.close()
    with Project.open(project_path) as project:
        kept = project.history.page(image_id).annotations
        assert [project.labels.get(a.label_id).name for a in kept] == ["dog"]
        assert kept[0].geometry == shape
        assert kept[0].annotator == "Ada"
        assert isinstance(shape, Box)
        assert abs(shape.x1 - 20) < 2
        assert abs(shape.y2 - 70) < 2


def test_enter_accepts_backspace_rejects_and_a_digit_corrects(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_V)
    suggest(window, ("cat", BOX, 0.9), ("dog", OTHER_BOX, 0.8), ("bird", Box(5, 90, 40, 115), 0.7))
    qtbot.waitUntil(lambda: len(window.session.visible_suggestions()) == 3)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Backspace)
    press(window, Qt.Key.Key_1)
    page = window.session.page
    assert page.suggestions == ()
    assert sorted(v.decision for v in page.verdicts) == [Decision.ACCEPTED, Decision.CORRECTED, Decision.REJECTED]
    assert sorted(a.source for a in page.annotations) == [Source.ACCEPTED, Source.CORRECTED]
    assert names(window) == ["cat", "cat"]
    for _ in range(3):
        press(window, Qt.Key.Key_Z, CTRL)
    assert len(window.session.visible_suggestions()) == 3
    assert window.session.page.annotations == ()


def test_tab_walks_and_shift_enter_accepts_what_the_slider_shows(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_V)
    made = suggest(window, ("cat", BOX, 0.9), ("dog", OTHER_BOX, 0.6), ("bird", Box(5, 90, 40, 115), 0.2))
    qtbot.waitUntil(lambda: window.session.active_suggestion_id == made[0].id)
    press(window, Qt.Key.Key_Tab)
    assert window.session.active_suggestion_id == made[1].id
    press(window, Qt.Key.Key_Backtab, SHIFT)
    assert window.session.active_suggestion_id == made[0].id
    assert window.annotate.suggestions.slider.caption == "confidence"
    window.annotate.suggestions.slider.set_value(0.5)
    assert window.annotate.suggestions.bulk.text().startswith("Accept 2")
    press(window, Qt.Key.Key_Return, SHIFT)
    assert names(window) == ["cat", "dog"] or names(window) == ["dog", "cat"]
    assert [s.id for s in window.session.page.suggestions] == [made[2].id]
    assert window.toasts.shown[-1].action is not None
    QTest.mouseClick(window.toasts.shown[-1].action, Qt.MouseButton.LeftButton)
    assert window.session.page.annotations == ()


def test_tag_digits_tag_and_go_on(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_T)
    first = window.session.page.image.id
    press(window, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: window.session.page.image.id != first)
    page = window.session.read_page(first)
    assert [a.kind for a in page.annotations] == [GeometryKind.TAG]
    assert page.image.state is ImageState.DONE
    assert Task.TAGS in page.done
    qtbot.waitUntil(lambda: window.queue.rows.get(first).caption == "dog")
    window.settings.update(auto_advance=False)
    second = window.session.page.image.id
    press(window, Qt.Key.Key_3)
    qtbot.wait(150)
    assert window.session.page.image.id == second
    press(window, Qt.Key.Key_Z, CTRL)
    press(window, Qt.Key.Key_Z, CTRL)
    assert window.session.page.image.id == first
    assert window.session.page.annotations == ()


def test_the_queue_walks_and_ctrl_enter_marks_done(window: MainWindow, qtbot: Any) -> None:
    ids = window.session.order.ids.tolist()
    press(window, Qt.Key.Key_D)
    assert window.session.page.image.id == ids[1]
    press(window, Qt.Key.Key_A)
    assert window.session.page.image.id == ids[0]
    press(window, Qt.Key.Key_B)
    press(window, Qt.Key.Key_Return, CTRL)
    assert window.session.page.image.id == ids[1]
    assert window.session.read_page(ids[0]).done == {Task.BOXES}
    press(window, Qt.Key.Key_X)
    assert window.session.read_page(ids[1]).image.state is ImageState.SKIPPED
    assert window.session.page.image.id == ids[2]
    saved(window, qtbot)
    qtbot.waitUntil(lambda: "4 left" in window.queue._left.text())


def test_copies_and_the_next_image(window: MainWindow) -> None:
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    shape = window.session.page.annotations[0].geometry
    press(window, Qt.Key.Key_D, CTRL)
    assert len(window.session.page.annotations) == 2
    press(window, Qt.Key.Key_Backspace)
    assert [a.geometry for a in window.session.page.annotations] == [shape]
    window.session.select((window.session.page.annotations[0].id,))
    press(window, Qt.Key.Key_V, CTRL | SHIFT)
    assert window.session.order.index == 1
    assert [a.geometry for a in window.session.page.annotations] == [shape]


def test_what_was_chosen_is_let_go_with_its_image(window: MainWindow, qtbot: Any) -> None:
    """The canvas too: a shape that is still chosen there would keep a suggestion of the next image from being dragged."""
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    assert window.canvas.selection == window.session.selected_annotation_ids != ()
    press(window, Qt.Key.Key_D)
    assert window.canvas.selection == window.session.selected_annotation_ids == ()
    press(window, Qt.Key.Key_V)
    (made,) = suggest(window, ("cat", BOX, 0.9))
    qtbot.waitUntil(lambda: window.canvas.active == made.id)
    drag(window, 50, 45, 70, 55)
    assert [a.source for a in window.session.page.annotations] == [Source.CORRECTED]


def test_lock_keeps_and_hide_hides(window: MainWindow) -> None:
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    press(window, Qt.Key.Key_L, CTRL)
    assert window.session.page.annotations[0].locked
    press(window, Qt.Key.Key_Delete)
    assert len(window.session.page.annotations) == 1
    assert "locked" in window.toasts.texts[-1]
    press(window, Qt.Key.Key_H, CTRL)
    assert window.session.page.annotations[0].hidden


def test_several_thumbnails_are_tagged_and_split_in_one_step(window: MainWindow, qtbot: Any) -> None:
    ids = window.session.order.ids.tolist()
    grid = window.queue.grid
    grid.setFocus()
    press(window, Qt.Key.Key_Home)
    for _ in range(2):
        press(window, Qt.Key.Key_Right, SHIFT)
    assert grid.chosen() == ids[:3]
    press(window, Qt.Key.Key_3)
    tagged = [[a.label_id for a in window.session.read_page(i).annotations] for i in ids[:4]]
    bird = next(v.id for v in window.session.labels.values() if v.name == "bird")
    assert tagged == [[bird], [bird], [bird], []]
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    split = [Split.VAL] * 3 + [None]
    qtbot.waitUntil(lambda: [window.session.read_page(i).image.split for i in ids[:4]] == split)
    press(window, Qt.Key.Key_Z, CTRL)
    press(window, Qt.Key.Key_Z, CTRL)
    assert all(window.session.read_page(i).annotations == () for i in ids)


def test_search_narrows_and_the_chip_widens(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_Slash)
    assert window.queue.search.hasFocus()
    press(window, "e 3")
    qtbot.waitUntil(lambda: len(window.session.order.ids) == 1)
    press(window, Qt.Key.Key_Return)
    assert window.session.page.image.name == "picture 3.png"
    assert window.canvas.hasFocus()
    window.queue.clear_filter()
    assert len(window.session.order.ids) == 6


def test_a_note_and_a_flag(window: MainWindow) -> None:
    press(window, Qt.Key.Key_I)
    press(window, "blurred left edge")
    press(window, Qt.Key.Key_Return, CTRL)
    assert window.session.image.note == "blurred left edge"
    press(window, Qt.Key.Key_I, SHIFT)
    assert window.session.image.flagged


def test_labels_are_created_renamed_reordered_and_merged(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_N)
    press(window, "fish, horse")
    press(window, Qt.Key.Key_Return)
    assert [v.name for v in window.session.ordered_labels()] == ["cat", "dog", "bird", "fish", "horse"]
    labels = {v.name: v.id for v in window.session.labels.values()}
    window.label_edits.rename(labels["fish"], "trout")
    window.label_edits.rename(labels["horse"], "trout")
    assert "trout" in window.toasts.texts[-1]
    window.label_edits.reorder([labels["bird"], labels["cat"]])
    assert [v.name for v in window.session.ordered_labels()][:3] == ["bird", "cat", "dog"]
    assert {v.id for v in window.session.labels.values()} == set(labels.values())
    window.canvas.setFocus()
    press(window, Qt.Key.Key_B)
    window.session.set_current_label(labels["dog"])
    drag(window, 20, 20, 80, 70)
    window.label_edits.merge(labels["dog"], labels["cat"])
    qtbot.waitUntil(lambda: names(window) == ["cat"])
    press(window, Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: names(window) == ["dog"])


def test_the_label_typeahead_makes_what_is_missing(window: MainWindow) -> None:
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    press(window, Qt.Key.Key_G)
    press(window, "bir")
    press(window, Qt.Key.Key_Return)
    assert names(window) == ["bird"]
    press(window, Qt.Key.Key_G)
    press(window, "zebra")
    press(window, Qt.Key.Key_Return)
    assert names(window) == ["zebra"]
    assert window.canvas.hasFocus()


def test_attributes_of_the_selection_are_edited_together(window: MainWindow) -> None:
    cat = next(v for v in window.session.labels.values() if v.name == "cat")
    from dataclasses import replace

    schema = {"age": {"type": "number"}, "occluded": {"type": "checkbox"}}
    window.label_edits.update(replace(cat, attributes_schema=schema))
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 60, 60)
    drag(window, 80, 20, 120, 60)
    window.session.select(tuple(a.id for a in window.session.page.annotations))
    panel = window.annotate.attributes
    editor = panel._form_host.findChild(type(window.queue.search), "age")
    editor.setFocus()
    QTest.keyClicks(editor, "3,5")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert [a.attributes for a in window.session.page.annotations] == [{"age": 3.5}, {"age": 3.5}]


@pytest.mark.parametrize("key", ["C", "Q"])
def test_what_is_hidden_comes_back(window: MainWindow, key: str) -> None:
    before = (window.canvas.shown.suggestions, window.canvas.shown.annotations)
    press(window, key.lower())
    assert (window.canvas.shown.suggestions, window.canvas.shown.annotations) != before
    press(window, key.lower())
    assert (window.canvas.shown.suggestions, window.canvas.shown.annotations) == before


def test_the_palette_runs_what_is_typed(window: MainWindow) -> None:
    press(window, Qt.Key.Key_K, CTRL)
    press(window, "polygon")
    press(window, Qt.Key.Key_Return)
    assert window.binding.tool == "polygon"


def test_every_tool_has_its_key(window: MainWindow) -> None:
    for key, tool in (
        ("v", "select"),
        ("b", "box"),
        ("r", "rotated_box"),
        ("p", "polygon"),
        ("m", "brush"),
        ("e", "eraser"),
        ("l", "polyline"),
        ("o", "point"),
        ("k", "keypoints"),
        ("t", "tag"),
    ):
        press(window, key)
        assert window.binding.tool == tool
        assert window.canvas.tool.name == tool


def test_a_deep_picture_gets_a_window_of_values(empty_window: MainWindow, tmp_path: Any, qtbot: Any) -> None:
    import numpy as np
    import tifffile

    window = empty_window
    folder = tmp_path / "scans"
    folder.mkdir()
    ramp = np.tile(np.arange(0, 64000, 1000, dtype=np.uint16), (40, 1))
    tifffile.imwrite(folder / "deep.tif", ramp)
    window.open_path(folder)
    qtbot.waitUntil(lambda: window.binding.is_deep)
    window.start.question_left.emit()
    press(window, "B", SHIFT)
    popup = window.popups.adjust
    assert popup is not None
    assert popup.low.isVisible()
    before = window.binding._picture.pixels[0, 32, 0]
    popup.low.setValue(600)
    qtbot.waitUntil(lambda: window.binding._picture.pixels[0, 32, 0] < before)
    popup.reset()
    qtbot.waitUntil(lambda: window.binding._picture.pixels[0, 32, 0] == before)


def test_a_write_that_fails_is_told_and_taken_back(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from annotator.edits import history
    from annotator.errors import StoreError

    def full(*arguments: Any, **values: Any) -> None:
        raise StoreError("The disk is full.", "Free some space.")

    monkeypatch.setattr(history, "commit", full)
    press(window, Qt.Key.Key_B)
    drag(window, 20, 20, 80, 70)
    qtbot.waitUntil(lambda: any("disk is full" in text for text in window.toasts.texts))
    qtbot.waitUntil(lambda: window.session.page.annotations == ())
    assert window.toasts.shown[-1].cure == "Free some space."
    assert window.toolbar.saved.state == "failed"


def test_many_thumbnails_are_edited_without_waiting(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ui.image_edits

    monkeypatch.setattr(ui.image_edits, "AT_ONCE", 2)
    window.queue.grid.setFocus()
    press(window, Qt.Key.Key_A, CTRL)
    press(window, Qt.Key.Key_I, SHIFT)
    qtbot.waitUntil(lambda: window.session.image is not None and window.session.image.flagged)
    assert all(window.session.read_page(i).image.flagged for i in window.session.order.ids.tolist())
    press(window, Qt.Key.Key_Z, CTRL)
    assert not window.session.image.flagged


def test_bulk_edits_wait_for_each_other_and_the_window_for_none_of_them(window: MainWindow, qtbot: Any) -> None:
    session = window.session
    history, labels = session.project.history, session.ordered_labels()
    gate = threading.Event()
    session.project._parts.lane.submit(lambda writer: gate.wait(60))
    session.perform(edits.delete_label(labels[0], annotator="Ada"))
    assert history.saving == 1
    session.perform_later(edits.delete_label(labels[1], annotator="Ada"))
    assert labels[1].id in session.labels
    gate.set()
    qtbot.waitUntil(lambda: not history.saving and labels[1].id not in session.labels, timeout=60_000)
    session.undo()
    session.undo()  # while the first undo may still be on its way to the disk
    qtbot.waitUntil(lambda: {labels[0].id, labels[1].id} <= session.labels.keys(), timeout=60_000)


def test_a_new_name_is_beside_what_is_done_from_now_on(window: MainWindow, qtbot: Any) -> None:
    window.image_edits.flag()
    assert window.session.project.history.can_undo
    window.dialogs.open_settings()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog))
    dialog.name.setText("Ben")
    QTest.keyClick(dialog.name, Qt.Key.Key_Return)
    dialog.close()
    assert window.session.annotator == "Ben"
    assert not window.session.project.history.can_undo
    window.image_edits.flag()
    window.session.project.history.flush()
    with window.session.project._parts.db.read() as reader:
        assert reader.edits.latest(1)[0].annotator == "Ben"


def test_a_confidence_says_on_hovering_where_it_comes_from(window: MainWindow) -> None:
    suggest(window, ("cat", BOX, 0.87), task=Task.BOXES)
    model = window.annotate.suggestions.model
    window.session._reload_page(window.session.image.id)
    index = model.index(0)
    told = index.data(Qt.ItemDataRole.ToolTipRole)
    run = model.entry(0).suggestion.run_id
    assert "confidence 87.0%" in told and "0.870" in told
    assert f"Model test, version 1, run {run}" in told
    assert window.bar.model.text() == "no suggestions yet"


def test_the_bar_names_the_model_in_force_and_the_tip_counts_its_verdicts(window: MainWindow, qtbot: Any) -> None:
    project = window.session.project
    labels = tuple(label.id for label in window.session.ordered_labels())
    group = project.labels.groups()[0].id
    with project._parts.db.write("engine") as writer:
        run = writer.runs.start(Task.TAGS, "some-model", "abc123", {"device": "cuda:0"})
    ids = project.images.ids()
    half = np.tile(np.asarray([0.7, 0.2, 0.1], np.float16), (len(ids), 1))
    table = GroupTable(TagGroup(labels, group), half, Calibration(1.0, 140))
    tag_table.write(project._parts, TagTable(run, "key", ids, [table]))
    with project._parts.db.write("engine") as writer:
        writer.settings.set(TAG_RUN, run)
    qtbot.waitUntil(lambda: window.bar.model.text() == "some-model, cuda:0")
    qtbot.waitUntil(lambda: bool(window.session.visible_suggestions()))
    told = window.annotate.suggestions.model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "some-model, version abc123" in told
    assert "Calibrated" in told and "Verdicts behind the calibration: 140" in told


def choose_filter(window: MainWindow, *path: str) -> None:
    """Open the filter's menu and choose an entry by its texts."""
    menu = window.queue._filter_menu
    menu.aboutToShow.emit()
    for text in path[:-1]:
        menu = next(a.menu() for a in menu.actions() if a.text() == text)
    window.queue._filter_menu.triggered.emit(next(a for a in menu.actions() if a.text() == path[-1]))


def test_the_queue_is_filtered_by_annotator_attribute_and_confidence(window: MainWindow, qtbot: Any) -> None:
    session = window.session
    first, second, third = (int(i) for i in session.order.ids[:3])
    made = [
        new_annotation(first, 1, BOX, "Ada", attributes={"occluded": True}),
        new_annotation(second, 1, BOX, "Bob"),
    ]
    with session.project._parts.db.write("import") as writer:
        writer.annotations.add_many(made)
    session.go_to(third)
    suggest(window, ("cat", BOX, 0.6))
    choose_filter(window, "Annotated by", "Bob")
    assert session.order.ids.tolist() == [second]
    window.queue._remove_filter("annotator")
    choose_filter(window, "With the attribute", "occluded: true")
    assert session.order.ids.tolist() == [first]
    window.queue._remove_filter("attribute")
    choose_filter(window, "Confidence of a suggestion", "50% – 70%")
    qtbot.waitUntil(lambda: session.order.ids.tolist() == [third])
    window.queue._remove_filter("confidence")
    assert len(session.order.ids) == 6


def test_the_window_goes_on_while_suggestions_are_counted_for_a_filter(
    window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    suggest(window, ("cat", BOX, 0.6))
    with_suggestions = window.session.image.id
    qtbot.wait(600)  # the figures of the panels are counted by now
    counting, released = threading.Event(), threading.Event()
    count = review_view.open_piles

    def slow(*arguments: Any) -> Any:
        counting.set()
        assert released.wait(60)
        return count(*arguments)

    monkeypatch.setattr(review_view, "open_piles", slow)
    review = window.session.project.review
    with review._lock:
        review._open = None
    window.queue._show(ImageFilter(suggested=True))
    qtbot.waitUntil(counting.is_set)
    assert window.session.step(1)  # a page is read, and the filter does not hold it up
    assert len(window.session.order.ids) == 6
    released.set()
    qtbot.waitUntil(lambda: window.session.order.ids.tolist() == [with_suggestions])


def test_a_filter_follows_edits(window: MainWindow, qtbot: Any) -> None:
    window.queue._show(ImageFilter(states=frozenset({ImageState.DONE})))
    assert len(window.session.order.ids) == 0
    press(window, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: len(window.session.order.ids) == 1)


def test_leaving_a_project_does_not_wait_for_its_engine(window: MainWindow, qtbot: Any) -> None:
    window.jobs.submit("train", quiet=True, task="tags")
    engine, ended, released = FakeEngine.made[-1], threading.Event(), threading.Event()

    def close() -> None:
        assert released.wait(60)
        ended.set()

    engine.close = close
    window.projects.leave()
    assert window.session.project is None
    assert not ended.is_set()
    released.set()
    qtbot.waitUntil(ended.is_set)


def test_labels_get_the_height_of_their_rows_until_somebody_drags_a_border(window: MainWindow, qtbot: Any) -> None:
    screen = window.annotate
    few = screen.sections.sizes()[0]
    window.label_edits.create_from_text(", ".join(f"kind {number}" for number in range(8)))
    qtbot.waitUntil(lambda: screen.labels.model.rowCount() == 11)
    shown = screen.labels.view
    qtbot.waitUntil(lambda: shown.viewport().height() >= 8 * shown.sizeHintForRow(0))
    assert screen.sections.sizes()[0] > few
    assert all(size >= 60 for size in screen.sections.sizes()[1:4])
    handle = screen.sections.handle(1)
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=handle.rect().center())
    QTest.mouseMove(handle, handle.rect().center() - QPoint(0, 120))
    QTest.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=handle.rect().center() - QPoint(0, 120))
    chosen = screen.sections.sizes()[0]
    window.label_edits.create_from_text("one more")
    qtbot.waitUntil(lambda: screen.labels.model.rowCount() == 12)
    assert screen.sections.sizes()[0] == chosen
