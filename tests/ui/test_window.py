"""The window around the screen: opening, the first question, jobs, toasts, dialogs, settings, and what is not imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QScrollArea

from annotator.domain.geometry import Box
from annotator.domain.kinds import Task
from annotator.domain.records import new_annotation
from annotator.edits import images, shapes, tags
from annotator.edits.resolve import after
from annotator.project import Project
from annotator.settings import AppSettings
from annotator.usecases.results import RoundChange, SuggestResult, TrainResult
from tests.ui.conftest import FakeEngine, press
from ui.actions import Screen
from ui.app import Excepthook
from ui.dialogs.report import ReportDialog
from ui.dialogs.shortcuts import KeyButton
from ui.loop import ENOUGH, FEW, verdicts_in
from ui.main_window import ANNOTATE, START, USUAL, MainWindow, first_size

CTRL = Qt.KeyboardModifier.ControlModifier


def test_the_window_loads_nothing_heavy_before_it_is_painted(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from ui import app\n"
        "from annotator.settings import AppSettings\n"
        "application = app.application([])\n"
        "window = app.main_window(AppSettings())\n"
        "window.show()\n"
        "assert not window.grab().isNull()\n"
        "heavy = {'torch', 'torchvision', 'onnxruntime', 'sklearn', 'open_clip', 'segment_anything', 'sqlalchemy',"
        " 'scipy', 'pyqtgraph', 'qtpy', 'tifffile', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "ANNOTATOR_CONFIG_DIR": str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert shown.stdout.strip() == "[]"


def test_a_folder_becomes_a_project_and_one_question_makes_its_labels(
    empty_window: MainWindow, photos: Path, qtbot: Any
) -> None:
    window = empty_window
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    window.open_path(photos)
    qtbot.waitUntil(lambda: window.session.project is not None)
    assert window.pages.currentIndex() == START
    qtbot.waitUntil(lambda: window.start.answer.isVisible())
    window.start.answer.setText("cat, dog")
    QTest.keyClick(window.start.answer, Qt.Key.Key_Return)
    assert window.pages.currentIndex() == ANNOTATE
    assert [v.name for v in window.session.ordered_labels()] == ["cat", "dog"]
    qtbot.waitUntil(lambda: len(window.session.order.ids) == 6)
    qtbot.waitUntil(lambda: bool(FakeEngine.made) and [h.name for h in FakeEngine.made[-1].handles] == ["suggest"])
    qtbot.waitUntil(lambda: any("broken.jpg" in text for text in window.toasts.texts))
    assert window.session.image is not None
    assert window.session.image.name != "broken.jpg"
    assert Project.is_project(photos.parent / "photos.annotator")
    assert window.settings.state.recent[0].name == "photos"
    qtbot.waitUntil(lambda: window.settings.state.recent[0].images == 6)


def test_dropping_a_folder_opens_it(empty_window: MainWindow, project_path: Path, photos: Path, qtbot: Any) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(photos))])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    empty_window.dropEvent(event)
    qtbot.waitUntil(lambda: empty_window.session.project is not None)
    assert empty_window.session.project is not None
    assert empty_window.session.project.path == project_path


def test_a_folder_that_is_not_there_is_told_and_the_start_page_stays(
    empty_window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    empty_window.open_path(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: bool(empty_window.toasts.texts))
    assert empty_window.toasts.shown[0].kind == "error"
    assert "nowhere" in empty_window.toasts.texts[0]
    assert empty_window.pages.currentIndex() == START
    assert empty_window.start.folder_button.isVisible()


def test_the_place_and_the_tool_are_remembered(
    window: MainWindow, project_path: Path, settings: AppSettings, qtbot: Any
) -> None:
    press(window, "p")
    press(window, "d")
    press(window, "d")
    here = window.session.page.image.id
    press(window, Qt.Key.Key_W, CTRL)
    assert window.pages.currentIndex() == START
    assert window.session.project is None
    window.open_path(project_path)
    qtbot.waitUntil(lambda: window.session.page is not None)
    assert window.session.page.image.id == here
    assert window.binding.tool == "polygon"


def test_enough_verdicts_train_and_the_round_is_told(window: MainWindow, engine: FakeEngine, qtbot: Any) -> None:
    engine.succeed(SuggestResult(1, 6, 6, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    window.loop.count_verdicts(ENOUGH - 1)
    assert [h.name for h in engine.handles] == ["suggest"]
    window.loop.count_verdict()
    assert [h.name for h in engine.handles] == ["suggest", "train"]
    engine.succeed(TrainResult(1, True, {}, 0.5, round=RoundChange(3, 2, 6, 0.041)))
    qtbot.waitUntil(lambda: window.bar.round.full_text() == "round 3: +4.1 pts")


def test_a_round_that_was_rolled_back_is_seen_until_the_next(
    window: MainWindow, engine: FakeEngine, qtbot: Any
) -> None:
    engine.succeed(SuggestResult(1, 6, 6, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    said = "The new head did worse on 57 answers held out (−2.1 points), so the one before stays in use"
    window.loop.count_verdicts(ENOUGH)
    engine.succeed(TrainResult(1, False, {}, 0.5, round=RoundChange(4, 0, 0, None, said, rolled_back=True)))
    qtbot.waitUntil(lambda: window.bar.round.full_text() == said)
    assert window.bar.round.property("role") == "warn-caption"
    assert f"{said}. Go on labelling; it is tried again at the next training." in window.toasts.texts
    window.loop.count_verdicts(ENOUGH)
    engine.succeed(TrainResult(1, True, {}, 0.5, round=RoundChange(5, 2, 6, 0.041)))
    qtbot.waitUntil(lambda: window.bar.round.full_text() == "round 5: +4.1 pts")
    assert window.bar.round.property("role") == "caption"


def test_pictures_that_a_scan_finds_get_suggestions_by_themselves(
    window: MainWindow, engine: FakeEngine, photos: Path, qtbot: Any
) -> None:
    def scan_again(images: int) -> None:
        press(window, Qt.Key.Key_F5)
        qtbot.waitUntil(lambda: not any(view.name == "scan" for view in window.jobs.running))
        qtbot.waitUntil(lambda: len(window.session.order.ids) == images)

    engine.succeed(SuggestResult(1, 6, 6, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    scan_again(6)
    assert [handle.name for handle in engine.handles] == ["suggest"]
    shutil.copy(photos / "picture 0.png", photos / "new.png")
    scan_again(7)
    qtbot.waitUntil(lambda: [handle.name for handle in engine.handles] == ["suggest", "suggest"])
    assert engine.handles[-1].parameters["task"] == "tags"
    engine.succeed(SuggestResult(2, 7, 7, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    assert len(engine.handles) == 2


def test_rest_after_few_verdicts_trains_unless_switched_off(window: MainWindow, engine: FakeEngine, qtbot: Any) -> None:
    engine.succeed(SuggestResult(1, 6, 6, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    window.loop._rest.setInterval(20)
    window.loop.count_verdicts(FEW - 1)
    qtbot.wait(60)
    assert len(engine.handles) == 1
    window.settings.update(auto_train=False)
    window.loop.count_verdict()
    qtbot.wait(60)
    assert len(engine.handles) == 1
    window.settings.update(auto_train=True)
    window.loop.count_verdict()
    qtbot.waitUntil(lambda: [h.name for h in engine.handles] == ["suggest", "train"])


def test_a_cancelled_job_leaves_the_bar(window: MainWindow, engine: FakeEngine, qtbot: Any) -> None:
    view = next(v for v in window.jobs.running if v.name == "suggest")
    window.jobs.cancel(view.id)
    qtbot.waitUntil(lambda: not window.jobs.running)
    assert view.state == "cancelled"
    assert "cancelled" in window.bar.idle.text()


def test_an_export_through_the_dialog_ends_with_a_report(window: MainWindow, tmp_path: Path, qtbot: Any) -> None:
    press(window, "t")
    press(window, "1")
    press(window, Qt.Key.Key_E, CTRL)
    dialog = window.dialogs.current
    target = tmp_path / "out"
    dialog.format.setCurrentIndex(dialog.format.findData("csv"))
    dialog.path.set_path(str(target))
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not any(v.name == "export" for v in window.jobs.running))
    assert [v.what for v in window.jobs.views.values() if v.name == "export"] == [""]
    assert window.dialogs.current is not None
    assert "Exported" in window.dialogs.current.windowTitle()
    assert target.exists()
    window.dialogs.current.close()


def test_a_key_is_changed_in_the_sheet_and_kept(window: MainWindow, settings: AppSettings) -> None:
    press(window, "?")
    sheet = window.dialogs.current
    button = sheet.button("image.next")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.keyClick(button, Qt.Key.Key_B)
    assert "Box" in sheet.message.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.keyClick(button, Qt.Key.Key_J)
    sheet.close()
    window.canvas.setFocus()
    press(window, "j")
    assert window.session.order.index == 1
    assert settings.state.shortcuts == {"image.next": "J"}


def test_the_sheet_shows_every_key_whole_and_of_the_menus_those_that_hold_what_is_sought(window: MainWindow) -> None:
    press(window, "?")
    sheet = window.dialogs.current
    area = sheet.findChild(QScrollArea)
    assert area.widget().width() <= area.viewport().width()
    for key in area.findChildren(KeyButton):
        assert key.mapTo(area.widget(), key.rect().bottomRight()).x() < area.widget().width()
    sheet.search.setText("brightness")
    shown = [text.text() for text in area.findChildren(QLabel) if text.isVisible()]
    assert shown == ["View", "Brightness and contrast"]
    sheet.close()


def test_a_note_is_kept_by_going_elsewhere_but_not_by_esc(window: MainWindow, qtbot: Any) -> None:
    press(window, "i")
    note = window.popups.note
    assert note is not None
    QTest.keyClicks(note.field, "blurred")
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton)
    assert note.isHidden()
    qtbot.waitUntil(lambda: window.session.image.note == "blurred")
    press(window, "i")
    QTest.keyClicks(note.field, "sharp")
    QTest.keyClick(note.field, Qt.Key.Key_Escape)
    assert note.isHidden()
    press(window, "i")
    assert note.field.toPlainText() == "blurred"
    QTest.keyClicks(note.field, "dark")
    window.screens.show(Screen.REVIEW)
    assert note.isHidden()
    qtbot.waitUntil(lambda: window.session.image.note == "dark")


def test_errors_stay_and_at_most_three_messages_are_shown(window: MainWindow) -> None:
    window.toasts.error("bad disk", "Free some space.")
    for number in range(5):
        window.toasts.info(f"message {number}")
    assert window.toasts.texts == ["bad disk", "message 3", "message 4"]
    window.toasts.error("bad disk", "Free some space.")
    assert window.toasts.texts.count("bad disk") == 1


def test_what_undo_took_back_is_said_in_one_message_that_changes(window: MainWindow) -> None:
    window.toasts.brief("Undid: Draw box")
    first = window.toasts.shown[-1]
    window.toasts.brief("Undid: Delete polygon")
    assert window.toasts.texts == ["Undid: Delete polygon"] and window.toasts.shown == [first]
    assert first.accessibleName() == "Undid: Delete polygon"
    window.toasts.info("Something else")
    window.toasts.brief("Redid: Delete polygon")
    assert window.toasts.texts == ["Something else", "Redid: Delete polygon"]
    first.dismiss()
    assert window.toasts.texts == ["Something else", "Redid: Delete polygon"]


def test_an_uncaught_exception_becomes_a_message(window: MainWindow, caplog: pytest.LogCaptureFixture) -> None:
    hook = Excepthook(window)
    try:
        raise RuntimeError("the flux is out")
    except RuntimeError as error:
        hook.handle(type(error), error, error.__traceback__)
    assert "the flux is out" in window.toasts.texts[-1]
    assert "RuntimeError" in caplog.text


def test_every_listed_command_is_in_a_menu_and_no_key_is_used_twice(window: MainWindow) -> None:
    for screen in Screen:
        used: dict[str, str] = {}
        for action in window.commands:
            for key in action.shortcuts() if action.command.screen in (None, screen) else ():
                text = key.toString()
                assert text not in used, f"{text}: {used[text]} and {action.command.id}"
                used[text] = action.command.id
    listed = {a.command.id for a in window.commands if a.command.listed}
    in_menus = {a.objectName() for menu in window.menuBar().actions() for a in menu.menu().actions()}
    assert listed <= in_menus


@pytest.mark.parametrize(("width", "height", "share"), [(1280, 800, 1 / 3), (1920, 1080, 1 / 4)])
def test_the_picture_comes_first(window: MainWindow, qtbot: Any, width: int, height: int, share: float) -> None:
    window.resize(width, height)
    window.annotate.share_width()
    qtbot.wait(60)
    assert window.width() - window.canvas.width() <= width * share + 1


def test_every_control_has_a_name(window: MainWindow) -> None:
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit

    for kind in (QAbstractButton, QLineEdit, QComboBox):
        for control in window.annotate.findChildren(kind):
            named = control.accessibleName() or (control.text() if hasattr(control, "text") else "")
            assert named, f"{type(control).__name__} in {type(control.parent()).__name__} has no name"


def test_annotations_in_the_folder_are_offered(empty_window: MainWindow, photos: Path, qtbot: Any) -> None:
    import json

    coco = {
        "images": [{"id": 1, "file_name": "picture 0.png", "width": 160, "height": 120}],
        "categories": [{"id": 7, "name": "cat"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0}
        ],
    }
    (photos / "annotations.json").write_text(json.dumps(coco))
    window = empty_window
    window.open_path(photos)
    qtbot.waitUntil(lambda: any(t.kind == "offer" for t in window.toasts.shown))
    qtbot.waitUntil(lambda: not any(v.name == "scan" for v in window.jobs.running))
    assert window.pages.currentIndex() == START
    offer = next(t for t in window.toasts.shown if t.kind == "offer")
    QTest.mouseClick(offer.action, Qt.MouseButton.LeftButton)
    dialog = window.dialogs.current
    assert dialog.format.currentData() == "coco"
    qtbot.waitUntil(dialog.start.isEnabled)
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [v.name for v in window.session.labels.values()] == ["cat"])
    qtbot.waitUntil(lambda: isinstance(window.dialogs.current, ReportDialog))
    QTest.keyClick(window.dialogs.current, Qt.Key.Key_Escape)
    assert window.pages.currentIndex() == ANNOTATE
    qtbot.waitUntil(lambda: "suggest" in [handle.name for made in FakeEngine.made for handle in made.handles])


def test_unusable_images_are_told_once_and_again_when_there_are_others(
    empty_window: MainWindow, qtbot: Any, photos: Path
) -> None:
    window = empty_window
    (photos / "broken.png").write_bytes(b"no picture")

    def opened() -> list[str]:
        before = list(window.toasts.shown)
        window.open_path(photos)
        qtbot.waitUntil(lambda: window.session.page is not None)
        qtbot.waitUntil(lambda: not window.jobs.running)
        told = [toast.text for toast in window.toasts.shown if toast not in before]
        window.projects.leave()
        return [text for text in told if "broken.png" in text or "cannot be used" in text]

    assert len(opened()) == 1
    assert opened() == []
    (photos / "empty.png").write_bytes(b"")
    assert len(opened()) == 1
    assert opened() == []


def test_a_first_window_fits_on_a_small_screen() -> None:
    small = first_size(QSize(1280, 800))
    assert small.width() <= 1280
    assert small.height() < 800
    assert first_size(QSize(2560, 1440)) == QSize(*USUAL)


def test_boxes_train_for_themselves_once_there_are_enough(window: MainWindow, engine: FakeEngine, qtbot: Any) -> None:
    engine.succeed(SuggestResult(1, 6, 6, 10.0))
    qtbot.waitUntil(lambda: not window.jobs.running)
    project = window.session.project
    assert project is not None
    label = window.session.ordered_labels()[0].id
    for image_id in project.images.ids().tolist()[:2]:
        draw_boxes(window, image_id, label, 5)
    window.loop._rest.timeout.emit()
    qtbot.wait(100)
    assert len(engine.handles) == 1
    draw_boxes(window, int(project.images.ids()[2]), label, 10)
    qtbot.waitUntil(lambda: len(engine.handles) == 2)
    asked = engine.handles[-1]
    assert (asked.name, asked.parameters["task"]) == ("train", "boxes")
    assert window.loop.verdicts == 0
    engine.succeed(TrainResult(1, True, {}, 0.5, round=RoundChange(1, 0, 0, 0.05)))
    qtbot.waitUntil(lambda: window.bar.round.full_text() == "round 1: +5.0 pts")


def draw_boxes(window: MainWindow, image_id: int, label_id: int, number: int) -> None:
    """Draw boxes on an image and wait until they are on disk."""
    project = window.session.project
    assert project is not None
    window.session.go_to(image_id)
    for at in range(number):
        box = Box(5.0 + 6 * at, 5.0, 40.0 + 6 * at, 60.0)
        shape = new_annotation(image_id, label_id, box, "Ada")
        window.session.perform(shapes.draw(window.session.page, shape))
    project.history.flush()


def test_an_edit_says_which_tasks_have_something_new(window: MainWindow) -> None:
    page, (first, *_) = window.session.page, window.session.ordered_labels()
    assert page is not None
    drawn = shapes.draw(page, new_annotation(page.image.id, first.id, Box(1, 1, 9, 9), "Ada"))
    tagged = tags.set_tag(page, first.id, window.session.vocabulary, annotator="Ada")
    assert verdicts_in(drawn) == {Task.BOXES: 1}
    assert verdicts_in(tagged) == {Task.TAGS: 1}
    box = next(row.after for row in drawn.rows() if row.after is not None)
    moved = shapes.change_geometry(after(page, drawn), box.id, Box(2, 2, 9, 9), annotator="Ada")
    assert verdicts_in(moved) == {Task.BOXES: 1}
    assert verdicts_in(images.mark_done([page], Task.BOXES, annotator="Ada")) == {}
