"""What the export dialog proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLabel, QWidget

from annotator.formats.report import Verified
from annotator.usecases.results import ExportResult
from ui.dialogs.datasets import ExportDialog
from ui.dialogs.tables import ReportDialog


def test_a_format_of_one_file_is_proposed_with_its_ending(qtbot: Any, tmp_path: Path) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ExportDialog(parent, tmp_path / "photos.annotator")
    assert dialog.path.path == str(tmp_path / "photos-coco")
    dialog.format.setCurrentIndex(dialog.format.findData("csv"))
    assert dialog.path.path == str(tmp_path / "photos-csv.csv")
    dialog.path.set_path(str(tmp_path / "mine"))
    dialog.format.setCurrentIndex(dialog.format.findData("yolo"))
    assert dialog.path.path == str(tmp_path / "mine")


def test_reading_back_is_asked_for_and_told(qtbot: Any, tmp_path: Path) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ExportDialog(parent, tmp_path / "photos.annotator")
    dialog.verify.click()
    with qtbot.waitSignal(dialog.export_wanted) as wanted:
        dialog.start.click()
    assert wanted.args[0]["verify"] is True
    result = ExportResult(2, 3, (), "out", "coco", verified=Verified(2, 3, 0, 0))
    assert "3 annotations are there as they were sent" in _texts(ReportDialog(parent, result))
    wrong = ExportResult(2, 3, (), "out", "coco", verified=Verified(2, 2, 0, 1, ("1 box of cat did not come back",)))
    assert "1 box of cat did not come back" in _texts(ReportDialog(parent, wrong))


def _texts(dialog: ReportDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))
