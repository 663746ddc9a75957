"""Import, export, splits and versions in the real window, with real key presses and mouse clicks."""

from __future__ import annotations

import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QPushButton

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split
from annotator.domain.records import new_annotation
from annotator.edits import draw
from annotator.formats.report import Verified
from annotator.project import Project
from annotator.usecases.results import ExportResult
from tests.e2e.hands import CTRL, SHIFT, Hands, Key
from ui.dialogs.export_dialog import ExportDialog
from ui.dialogs.import_dialog import ImportDialog
from ui.dialogs.report import ReportDialog
from ui.dialogs.splits_dialog import SplitsDialog
from ui.dialogs.versions_dialog import VersionsDialog
from ui.main_window import MainWindow

BOXES = {"picture 0.png": ("cat", "lynx"), "picture 1.png": ("cat",), "far/IMG_0412.png": ("lynx",)}


@pytest.fixture
def hands(window: MainWindow, qtbot: Any) -> Hands:
    return Hands(window, qtbot)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Boxes on two pictures of the project and one that it does not have."""
    names = ("cat", "lynx")
    rows = [(image, label) for image, labels in enumerate(BOXES.values()) for label in labels]
    document = {
        "images": [{"id": n, "file_name": name, "width": 160, "height": 120} for n, name in enumerate(BOXES)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names, 1)],
        "annotations": [
            {
                "id": n,
                "image_id": image,
                "category_id": names.index(label) + 1,
                "bbox": [10 + n, 20, 40, 30],
                "area": 1200,
                "iscrowd": 0,
            }
            for n, (image, label) in enumerate(rows, 1)
        ],
    }
    file = tmp_path / "found.json"
    file.write_text(json.dumps(document), "utf-8")
    return file


def project_of(hands: Hands) -> Project:
    project = hands.window.session.project
    assert project is not None
    return project


def texts(dialog: Any) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def table(rows: Any) -> list[list[str]]:
    return [[rows.text(y, x) for x in range(rows.columnCount())] for y in range(rows.rowCount())]


def boxes(project: Project) -> dict[str, list[str]]:
    """Labels of the annotations, by picture."""
    names = {label.id: label.name for label in project.labels.all()}
    pages = [project.history.page(image_id) for image_id in project.images.ids().tolist()]
    return {p.image.uri: sorted(names[a.label_id] for a in p.annotations) for p in pages if p.annotations}


def offered(dialog: Any) -> list[QPushButton]:
    """The buttons of the formats that a dataset may be in."""
    return [b for b in dialog.findChildren(QPushButton) if b.property("format") and b.isVisible()]


def open_import(hands: Hands, path: Path) -> Any:
    hands.key(Key.Key_I, CTRL | SHIFT)
    dialog = hands.dialog(ImportDialog)
    assert not dialog.start.isEnabled()
    hands.type_into(dialog.path.field, str(path))
    return dialog


def settled(hands: Hands, dialog: Any) -> None:
    """Wait for the preview, or for what is wrong."""
    hands.until(lambda: not dialog.asking.busy and dialog.view.bar.isHidden())


def choose(hands: Hands, combo: Any, data: object) -> None:
    """Walk a drop-down list with the arrow keys."""
    combo.setFocus()
    for _ in range(combo.count()):
        hands.key(Key.Key_Up)
    while combo.currentData() != data:
        place = combo.currentIndex()
        hands.key(Key.Key_Down)
        assert combo.currentIndex() == place + 1, "not in the list"


def import_all(hands: Hands, path: Path) -> None:
    dialog = open_import(hands, path)
    hands.until(dialog.start.isEnabled)
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()


# --- import ------------------------------------------------------------------------------------------------------------


def test_an_import_shows_first_what_it_would_bring_and_last_what_it_brought(
    hands: Hands, coco: Path, tmp_path: Path
) -> None:
    dialog = open_import(hands, coco)
    hands.until(dialog.start.isEnabled)
    assert dialog.seen.text().startswith("COCO JSON: found.json holds")
    assert "2 of 3 images are in this project" in dialog.view.figures.text()
    assert "4 boxes" in dialog.view.figures.text()
    assert "far/IMG_0412.png" in dialog.view.missing.text()
    assert table(dialog.view.labels.rows) == [["cat", "2 boxes", "2", "cat"], ["lynx", "2 boxes", "2", "lynx (new)"]]
    assert [p.name for p in dialog.view.pictures.pictures] == ["picture 0.png", "picture 1.png"]
    assert all(p.image is not None for p in dialog.view.pictures.pictures)
    assert boxes(project_of(hands)) == {}

    hands.push(dialog.start)
    report = hands.dialog(ReportDialog)
    assert boxes(project_of(hands)) == {"picture 0.png": ["cat", "lynx"], "picture 1.png": ["cat"]}
    said = table(report.table.rows)
    assert ["dropped", "lynx", "box", "its picture is not in the project", "1", "1", "IMG_0412.png"] in said
    assert ["kept", "cat", "box", "", "2", "2"] in [line[:6] for line in said]
    hands.push(report.save)
    save_as(hands, tmp_path / "report.json")
    saved = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert (saved["format"], saved["annotations"], saved["labels"]) == ("coco", 3, ["lynx"])
    assert {row["outcome"] for row in saved["rows"]} == {"kept", "dropped"}
    hands.push_in(report, "Close")
    hands.back()
    assert [label.name for label in hands.window.session.ordered_labels()] == ["cat", "dog", "bird", "lynx"]


def test_labels_become_others_or_stay_out(hands: Hands, coco: Path) -> None:
    dialog = open_import(hands, coco)
    hands.until(dialog.start.isEnabled)
    labels, become = dialog.view.labels, dialog.view.become
    assert not become.isEnabled()
    labels.setFocus()
    hands.key(Key.Key_Down)
    hands.key(Key.Key_Down)
    assert labels.chosen_rows() == [1]
    choose_by_key(hands, become, "dog")
    assert table(labels.rows)[1][3] == "dog"
    labels.setFocus()
    hands.key(Key.Key_Up)
    choose_by_key(hands, become, "")
    assert [line[3] for line in table(labels.rows)] == ["left out", "dog"]
    hands.push(dialog.start)
    report = hands.dialog(ReportDialog)
    assert ["converted", "lynx", "box", "its label became dog"] in [line[:4] for line in table(report.table.rows)]
    assert ["dropped", "cat", "box", "its label was left out"] in [line[:4] for line in table(report.table.rows)]
    hands.push_in(report, "Close")
    hands.back()
    assert boxes(project_of(hands)) == {"picture 0.png": ["dog"]}


def test_pictures_with_annotations_can_be_left_alone(hands: Hands, coco: Path) -> None:
    project, session = project_of(hands), hands.window.session
    assert session.image is not None and session.image.uri == "picture 0.png"
    label = session.ordered_labels()[2]
    session.perform(draw(hands.page, new_annotation(hands.page.image.id, label.id, Box(1, 1, 9, 9), "Ada")))
    hands.until_saved()
    dialog = open_import(hands, coco)
    hands.until(dialog.start.isEnabled)
    assert "1 of the images have annotations already" in dialog.view.missing.text()
    choose(hands, dialog.merging, True)
    choose(hands, dialog.kind, "annotations")
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    assert boxes(project) == {"picture 0.png": ["bird"], "picture 1.png": ["cat"]}


def test_where_several_formats_fit_the_person_says_which(hands: Hands, coco: Path, tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "found.json").write_bytes(coco.read_bytes())
    (folder / "tags.csv").write_text("image,label,confidence,state,annotator\npicture 2.png,dog,1,drawn,Ada\n", "utf-8")
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as packed:
        for file in folder.iterdir():
            packed.write(file, file.name)
    dialog = open_import(hands, tmp_path / "both.zip")
    settled(hands, dialog)
    hands.until(lambda: len(offered(dialog)) == 2)
    buttons = offered(dialog)
    assert sorted(b.property("format") for b in buttons) == ["coco", "csv"]
    assert "Which one is it?" in dialog.view.said.text()
    assert not dialog.start.isEnabled()
    hands.push(next(b for b in buttons if b.property("format") == "csv"))
    hands.until(dialog.start.isEnabled)
    assert "1 tag" in dialog.view.figures.text()
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    assert boxes(project_of(hands)) == {"picture 2.png": ["dog"]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.json", '{"images": [{"id": 1, "file_name": "picture 0.png", ', "broken.json"),
        ("cut.json", '{"info": {"year": 2017}, "lic', "cut.json is damaged JSON: line 1 column"),
        ("nothing.txt", "a shopping list", "in no format that is known"),
        ("bad.zip", "PK but no zip", "bad.zip"),
        ("", "", "There is nothing at"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line_and_nothing_changes(
    name: str, content: str, said: str, hands: Hands, tmp_path: Path
) -> None:
    file = tmp_path / (name or "nowhere.json")
    if name:
        file.write_text(content, "utf-8")
    dialog = open_import(hands, file)
    if name == "broken.json":
        choose(hands, dialog.format, "coco")
    settled(hands, dialog)
    hands.until(lambda: said in dialog.view.said.text())
    assert not dialog.start.isEnabled()
    hands.key(Key.Key_Escape)
    hands.back()
    assert boxes(project_of(hands)) == {}


def test_a_bad_record_stops_the_import_unless_it_is_left_out(hands: Hands, coco: Path) -> None:
    document = json.loads(coco.read_text("utf-8"))
    document["annotations"][0]["category_id"] = 99
    coco.write_text(json.dumps(document), "utf-8")
    dialog = open_import(hands, coco)
    hands.until(lambda: "found.json" in dialog.view.said.text() and dialog.view.bar.isHidden())
    assert not dialog.start.isEnabled()
    hands.push(dialog.skip_bad)
    hands.until(dialog.start.isEnabled)
    assert "3 boxes" in dialog.view.figures.text()
    hands.key(Key.Key_Escape)
    hands.back()


def test_a_cancelled_import_leaves_nothing(hands: Hands, coco: Path) -> None:
    window, gate = hands.window, threading.Event()
    assert window.jobs._lane is not None
    window.jobs._lane.submit(gate.wait)
    dialog = open_import(hands, coco)
    hands.until(dialog.start.isEnabled)
    hands.push(dialog.start)
    hands.back()
    (entry,) = [e for job, e in window.bar._entries.items() if window.jobs.views[job].name == "import"]
    (cancel,) = [b for b in entry.children() if getattr(b, "accessibleName", str)() == "Cancel “Importing”"]
    QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    gate.set()
    hands.until(lambda: not window.jobs.is_running("import"))
    assert window.bar.idle.text() == "Importing: cancelled"
    assert boxes(project_of(hands)) == {}
    assert len(project_of(hands).labels.all()) == 3


def test_a_dataset_that_is_dropped_on_the_window_is_offered_for_import(hands: Hands, coco: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(coco))])
    place, copy, none = QPointF(50, 50), Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(place.toPoint(), copy, mime, Qt.MouseButton.LeftButton, none)
    hands.window.dragEnterEvent(entered)
    assert entered.isAccepted()
    hands.window.dropEvent(QDropEvent(place, copy, mime, Qt.MouseButton.LeftButton, none))
    dialog = hands.dialog(ImportDialog)
    assert dialog.path.path == str(coco)
    hands.until(dialog.start.isEnabled)
    hands.key(Key.Key_Escape)
    hands.back()


# --- export ------------------------------------------------------------------------------------------------------------


def test_an_export_says_first_what_the_format_cannot_keep(hands: Hands, coco: Path, tmp_path: Path) -> None:
    import_all(hands, coco)
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    settled(hands, dialog)
    assert dialog.view.figures.text() == "3 annotations on 2 images"
    choose(hands, dialog.format, "csv")
    hands.until(lambda: "CSV" in dialog.view.verdict.text())
    settled(hands, dialog)
    assert ["dropped", "lynx", "box"] in [line[:3] for line in table(dialog.view.report.rows)]
    assert dialog.path.path.endswith("photos-csv.csv")
    choose(hands, dialog.format, "yolo")
    hands.push(dialog.zip)
    hands.push(dialog.verify)
    assert dialog.path.path.endswith("photos-yolo.zip")
    hands.type_into(dialog.path.field, str(tmp_path / "out.zip"))
    hands.push(dialog.start)
    report = hands.dialog(ReportDialog)
    assert "Read back and compared" in texts(report)
    hands.push(report.save)
    save_as(hands, tmp_path / "lost.json")
    assert json.loads((tmp_path / "lost.json").read_text("utf-8"))["format"] == "yolo"
    hands.push_in(report, "Close")
    hands.back()
    assert zipfile.is_zipfile(tmp_path / "out.zip")

    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    assert (dialog.format.currentData(), dialog.zip.isChecked(), dialog.verify.isChecked()) == ("yolo", True, True)
    assert dialog.existing.currentData() == ""
    hands.key(Key.Key_Escape)
    hands.back()


def test_what_stands_at_the_target_is_never_overwritten_unasked(hands: Hands, coco: Path, tmp_path: Path) -> None:
    import_all(hands, coco)
    target = tmp_path / "mine"
    project_of(hands).export(target, "coco")
    (target / "notes.txt").write_text("keep me", "utf-8")
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    hands.type_into(dialog.path.field, str(target))
    assert not dialog.start.isEnabled()
    assert "mine exists" in dialog.there.text()
    choose(hands, dialog.existing, "merge")
    assert "stays" in dialog.there.text()
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    assert (target / "notes.txt").read_text("utf-8") == "keep me"
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    hands.type_into(dialog.path.field, str(target))
    choose(hands, dialog.existing, "replace")
    assert "removed" in dialog.there.text()
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    assert not (target / "notes.txt").exists()


def test_what_the_queue_shows_can_be_exported_alone(hands: Hands, coco: Path, tmp_path: Path) -> None:
    import_all(hands, coco)
    hands.key(Key.Key_F, CTRL)
    hands.key("picture 1")
    hands.key(Key.Key_Return)
    hands.until(lambda: len(hands.window.session.order.ids) == 1)
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    choose(hands, dialog.source, "shown")
    assert dialog.source.currentText() == "What the queue shows: 1 images"
    settled(hands, dialog)
    hands.until(lambda: dialog.view.figures.text() == "1 annotations on 1 images")
    hands.type_into(dialog.path.field, str(tmp_path / "one"))
    hands.push(dialog.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    (file,) = (tmp_path / "one").rglob("instances.json")
    assert [image["file_name"] for image in json.loads(file.read_text("utf-8"))["images"]] == ["picture 1.png"]


def test_an_export_of_nothing_says_what_would_give_something(hands: Hands) -> None:
    hands.key(Key.Key_E, CTRL)
    dialog = hands.dialog(ExportDialog)
    settled(hands, dialog)
    assert "There is nothing to export" in dialog.view.verdict.text()
    hands.key(Key.Key_Escape)
    hands.back()


def test_a_difference_that_no_report_announces_is_told(qtbot: Any, window: MainWindow) -> None:
    wrong = ExportResult(2, 3, (), "out", "coco", verified=Verified(2, 2, 0, 1, ("1 box of cat did not come back",)))
    assert "1 box of cat did not come back" in texts(ReportDialog(window, wrong))


# --- splits and versions -----------------------------------------------------------------------------------------------


def test_images_are_divided_in_one_edit_that_can_be_taken_back(hands: Hands, coco: Path) -> None:
    import_all(hands, coco)
    window, project = hands.window, project_of(hands)
    run(hands, "Divide into splits")
    dialog = hands.dialog(SplitsDialog)
    hands.type_into(dialog.parts[Split.TRAIN], "50")
    hands.type_into(dialog.parts[Split.VAL], "50")
    hands.type_into(dialog.parts[Split.TEST], "0")
    hands.until(lambda: dialog.start.isEnabled() and table(dialog.table.rows)[0] == ["All images", "3", "3", "0"])
    assert [line[0] for line in table(dialog.table.rows)] == ["All images", "cat", "lynx"]
    assert project.images.split_counts() == {}
    hands.push(dialog.start)
    hands.back()
    hands.until(lambda: project.images.split_counts() == {"train": 3, "val": 3})
    assert "6 images have another split" in window.toasts.texts
    hands.until(lambda: window.session.image is not None and window.session.image.split is not None)
    assert window.annotate.strip.split.currentText() == window.session.image.split.value  # type: ignore[union-attr]
    run(hands, "Divide into splits")
    dialog = hands.dialog(SplitsDialog)
    hands.until(lambda: "Every image has its split already" in dialog.said.text())
    assert not dialog.start.isEnabled()
    hands.key(Key.Key_Escape)
    hands.back()
    hands.key(Key.Key_Z, CTRL)
    hands.until(lambda: project.images.split_counts() == {})


def test_versions_are_kept_compared_opened_and_exported(hands: Hands, coco: Path, tmp_path: Path) -> None:
    import_all(hands, coco)
    run(hands, "Versions")
    dialog = hands.dialog(VersionsDialog)
    hands.until(lambda: "There is no version yet" in dialog.said.text())
    keep(hands, dialog, "first try", "")
    hands.until(lambda: "cannot be named" in dialog.said.text())
    keep(hands, dialog, "v1", "before the review")
    hands.until(lambda: [line[0] for line in table(dialog.table.rows)] == ["v1"])
    assert table(dialog.table.rows)[0][3:] == ["6", "3", "before the review"]
    keep(hands, dialog, "v1", "again")
    hands.until(lambda: "There is a version v1 already" in dialog.said.text())
    hands.key(Key.Key_Escape)
    hands.back()

    session = hands.window.session
    changed = hands.page.image
    session.perform(
        draw(hands.page, new_annotation(changed.id, session.ordered_labels()[1].id, Box(1, 1, 9, 9), "Ada"))
    )
    hands.until_saved()
    run(hands, "Versions")
    dialog = hands.dialog(VersionsDialog)
    hands.until(dialog.compare.isEnabled)
    hands.push(dialog.compare)
    hands.until(lambda: dialog.images_changed.isVisible() and not dialog.asking.busy)
    assert table(dialog.labels.rows) == [["dog", "1", "0", "0", "1"]]
    assert dialog.images_changed.text() == "1 images changed"
    hands.push(dialog.images_changed)
    hands.back()
    review = hands.window.screens.review
    assert review is not None
    hands.until(lambda: review.images.chosen_images() == [changed.id])
    assert "v1 to now" in review.images.header.title.full_text()

    run(hands, "Versions")
    dialog = hands.dialog(VersionsDialog)
    hands.until(dialog.export.isEnabled)
    hands.push(dialog.export)
    export = hands.dialog(ExportDialog)
    assert export.source.currentData() == "version v1"
    settled(hands, export)
    assert export.view.figures.text() == "3 annotations on 2 images"
    hands.type_into(export.path.field, str(tmp_path / "then"))
    hands.push(export.start)
    hands.push_in(hands.dialog(ReportDialog), "Close")
    hands.back()
    (file,) = (tmp_path / "then").rglob("instances.json")
    assert len(json.loads(file.read_text("utf-8"))["annotations"]) == 3


# --- hands -------------------------------------------------------------------------------------------------------------


def keep(hands: Hands, dialog: Any, name: str, note: str) -> None:
    hands.type_into(dialog.name, name)
    if note:
        hands.type_into(dialog.note, note)
    hands.key(Key.Key_Return)


def run(hands: Hands, command: str) -> None:
    """A command by its name, from the palette."""
    hands.key(Key.Key_K, CTRL)
    hands.until(lambda: hands.window.popups.palette is not None and hands.window.popups.palette.isVisible())
    hands.key(command)
    hands.key(Key.Key_Return)


def choose_by_key(hands: Hands, combo: Any, data: str) -> None:
    """Open a drop-down list, walk it, and take an entry with Enter: said once, when it is taken."""
    combo.setFocus()
    combo.showPopup()
    view = combo.view()
    hands.until(view.isVisible)
    QTest.keyClick(view, Key.Key_Home)
    while combo.itemData(view.currentIndex().row()) != data:
        row = view.currentIndex().row()
        QTest.keyClick(view, Key.Key_Down)
        assert view.currentIndex().row() == row + 1, "not in the list"
    QTest.keyClick(view, Key.Key_Return)
    hands.until(lambda: not view.isVisible())


def save_as(hands: Hands, path: Path) -> None:
    """Enter a name into the file dialog that is open, and save."""
    dialog = hands.dialog(QFileDialog)
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
    hands.push_in(dialog, dialog.labelText(QFileDialog.DialogLabel.Accept))
    hands.until(path.exists)
