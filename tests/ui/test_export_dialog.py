"""What the export dialog proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from ui.dialogs.datasets import ExportDialog


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
