"""The certificate, end to end in the real window: draw, check on the wall, pause and resume, sign, or be told what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain.kinds import Decision, Source, Task
from annotator.pseudolabel.calibrate import Calibration
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases import tag_table
from annotator.usecases.settings_view import TAG_RUN
from annotator.usecases.tag_table import GroupTable, TagTable
from tests.ui.conftest import press
from ui.main_window import MainWindow
from ui.review.certificate_dialog import CertificateDialog
from ui.review.marks import RIGHT
from ui.review.review_screen import ReviewScreen
from ui.saving import save_json

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
IMAGES = 60
TARGET = 30.0
CHECKS = 20


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixty tiny pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(IMAGES):
        pixels = random.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(folder / f"picture {number:02d}.png")
    return folder


@pytest.fixture
def review(window: MainWindow, qtbot: Any) -> ReviewScreen:
    """The Review screen over a run of sixty cats, quite sure of all of them."""
    session = window.session
    project = session.project
    assert project is not None
    qtbot.waitUntil(lambda: len(project.images.ids()) == IMAGES)
    labels = tuple(label.id for label in session.ordered_labels())
    ids = project.images.ids()
    with project._parts.db.write("engine") as writer:
        run = writer.runs.start(Task.TAGS, "embedded", "v1")
    sure = np.linspace(0.9, 0.99, IMAGES)
    says = np.stack([sure, (1 - sure) / 2, (1 - sure) / 2], axis=1).astype(np.float16)
    group = GroupTable(TagGroup(labels, project.labels.groups()[0].id), says, Calibration())
    tag_table.write(project._parts, TagTable(run, "key", ids, [group]))
    with project._parts.db.write("engine") as writer:
        writer.runs.progress(run, IMAGES, IMAGES, finished=True)
        writer.settings.set(TAG_RUN, run)
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: len(screen.wall.wall.rows) == IMAGES)
    qtbot.waitUntil(screen.wall.wall.hasFocus)
    return screen


def draw(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    """C, a target and a number of checks in the dialog, and the sample is on the wall."""
    press(window, "c")
    dialog = window.dialogs.current
    assert isinstance(dialog, CertificateDialog)
    dialog.target.setValue(TARGET)
    dialog.checks.setValue(CHECKS)
    qtbot.waitUntil(lambda: "60 suggestions are open" in dialog.forecast.text() and dialog.start.isEnabled())
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: review.check.audit is not None)
    window.activateWindow()  # without a window manager nobody does it when a dialog goes
    qtbot.waitUntil(review.check.wall.hasFocus)


def test_a_sample_is_checked_and_signed(window: MainWindow, review: ReviewScreen, tmp_path: Path, qtbot: Any) -> None:
    draw(window, review, qtbot)
    audit = review.check.audit
    assert audit is not None
    sample = len(audit.sample)
    # The least sure are wrong: wherever the draw put them, every prefix but the last is without an error.
    last, worst = sorted(range(sample), key=audit.places.__getitem__)[-2:]
    sure = min(range(sample), key=audit.places.__getitem__)
    for row, key in ((sure, Qt.Key.Key_Return), (last, Qt.Key.Key_Backspace), (worst, "2")):
        review.check.wall.go_to(row)
        press(window, key)
    assert review.check.marks.get(sure) == RIGHT
    assert "3 of" in review.check.header.figures.full_text() and "2 wrong" in review.check.header.figures.full_text()
    before = review.check.bound.text()
    press(window, Qt.Key.Key_Return)
    assert review.check.bound.text() != before, "the bound moves with each answer"
    assert not review.check.sign.isEnabled()
    press(window, Qt.Key.Key_Return, SHIFT)
    assert review.check.sign.isEnabled()
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any("Signed:" in text for text in window.toasts.texts))
    project = window.session.project
    assert project is not None
    project.history.flush()
    (signed,) = project.review.certificates.signed()
    assert (signed.annotator, signed.model, signed.max_error, signed.seed) == ("Ada", "embedded", 0.3, audit.seed)
    assert signed.bound <= 0.3
    pages = [project.history.page(image) for image in project.images.ids().tolist()]
    sources = [a.source for page in pages for a in page.annotations]
    assert sources.count(Source.CERTIFIED) == signed.accepted > 0
    decided = [v.decision for page in pages for v in page.verdicts]
    assert decided.count(Decision.REJECTED) == 1 and decided.count(Decision.CORRECTED) == 1
    assert len(decided) == sample + signed.accepted
    target = tmp_path / "certificates.json"
    save_json(target, project.review.certificates.signed())
    assert json.loads(target.read_text())[0]["seed"] == audit.seed
    press(window, Qt.Key.Key_Z, CTRL)
    project.history.flush()
    left = [a.source for i in project.images.ids().tolist() for a in project.history.page(i).annotations]
    assert Source.CERTIFIED not in left, "the acceptance is one edit"


def test_a_pause_loses_no_answer_and_draws_no_new_sample(
    window: MainWindow, review: ReviewScreen, project_path: Path, qtbot: Any
) -> None:
    draw(window, review, qtbot)
    audit = review.check.audit
    assert audit is not None
    for _ in range(3):
        press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Backspace)
    checked = review.check.checked
    press(window, Qt.Key.Key_W, CTRL)
    assert review.check.audit is None
    window.open_path(project_path)
    qtbot.waitUntil(lambda: window.session.page is not None)
    window.activateWindow()
    window.canvas.setFocus()
    press(window, Qt.Key.Key_2, CTRL)
    qtbot.waitUntil(lambda: review.check.audit is not None)
    assert review.check.audit is not None
    assert [s.id for s in review.check.audit.sample] == [s.id for s in audit.sample]
    assert review.check.checked == checked
    assert len(checked) == 4


def test_a_failed_audit_says_what_is_missing_and_draws_no_second_sample(
    window: MainWindow, review: ReviewScreen, qtbot: Any
) -> None:
    draw(window, review, qtbot)
    press(window, Qt.Key.Key_A, CTRL)
    press(window, Qt.Key.Key_Backspace)
    assert "too many are wrong" in review.check.header.figures.full_text()
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any("does not certify" in text for text in window.toasts.texts))
    project = window.session.project
    assert project is not None
    assert project.review.certificates.signed() == ()
    qtbot.waitUntil(lambda: review.pages.currentWidget() is review.wall)
    press(window, "c")
    dialog = window.dialogs.current
    assert isinstance(dialog, CertificateDialog)
    qtbot.waitUntil(lambda: "audited already, and failed" in dialog.forecast.text())
    assert not dialog.start.isEnabled()
    dialog.close()


def test_an_error_that_no_sample_can_certify_is_told_before_drawing(
    window: MainWindow, review: ReviewScreen, qtbot: Any
) -> None:
    press(window, "c")
    dialog = window.dialogs.current
    assert isinstance(dialog, CertificateDialog)
    dialog.target.setValue(1.0)
    qtbot.waitUntil(lambda: "takes at least 299 checks" in dialog.forecast.text())
    assert not dialog.start.isEnabled()
    dialog.close()
