"""A certificate of boxes, end to end in the real window: the sample stands on the wall with its boxes drawn, and is signed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from annotator.domain.geometry import Mask
from annotator.domain.kinds import Decision, Source, Task
from annotator.domain.records import Suggestion, new_id
from tests.ui.conftest import press
from tests.ui.review.conftest import BOXES, choose
from ui.main_window import MainWindow
from ui.review.certificate_dialog import CertificateDialog
from ui.review.choices import CheckChoice
from ui.review.crops import Crop
from ui.review.review_screen import ReviewScreen
from ui.review.wall_pictures import fitted

SHIFT = Qt.KeyboardModifier.ShiftModifier
CHECKS = 12


@pytest.fixture
def boxes(window: MainWindow, review: ReviewScreen, qtbot: Any) -> ReviewScreen:
    """The pile of cat boxes of a run that has finished."""
    project = window.session.project
    assert project is not None
    with project._parts.db.write("engine") as writer:
        for run in writer.runs.all():
            writer.runs.progress(run.id, BOXES, BOXES * BOXES, finished=True)
    choose(review, Task.BOXES, 0, qtbot)
    return review


def draw(window: MainWindow, review: ReviewScreen, qtbot: Any) -> None:
    """C on a pile of boxes: the dialog is about boxes."""
    press(window, "c")
    dialog = window.dialogs.current
    assert isinstance(dialog, CertificateDialog)
    assert dialog.task is Task.BOXES and "the box fits" in dialog.right.text()
    project = window.session.project
    assert project is not None
    total = BOXES * len(project.images.ids())
    for field in (dialog.target, dialog.checks):
        assert field.lineEdit().width() > 60, "the number can be read"
    dialog.target.setValue(30.0)
    dialog.checks.setValue(CHECKS)
    qtbot.waitUntil(
        lambda: f"{total} suggestions are open" in dialog.forecast.text() and dialog.start.isEnabled(), timeout=60_000
    )
    QTest.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: review.check.audit is not None, timeout=60_000)
    window.activateWindow()  # without a window manager nobody does it when a dialog goes
    qtbot.waitUntil(review.check.wall.hasFocus, timeout=60_000)


def test_a_sample_of_boxes_is_checked_with_its_boxes_drawn_and_signed(
    window: MainWindow, boxes: ReviewScreen, qtbot: Any
) -> None:
    draw(window, boxes, qtbot)
    audit = boxes.check.audit
    assert audit is not None and audit.task is Task.BOXES and len(audit.sample) == CHECKS
    assert boxes.list.current == CheckChoice(Task.BOXES)
    assert "boxes" in boxes.check.header.title.full_text() and "box fits" in boxes.check.footer.hint.full_text()
    wall = boxes.check.wall
    qtbot.waitUntil(
        lambda: all(len(boxes.crops.rings(wall.crop_of(row))) == 1 for row in range(CHECKS)), timeout=60_000
    )
    last = max(range(CHECKS), key=audit.places.__getitem__)
    given = window.session.labels[audit.sample[last].label_id].name
    other = "2" if given == "cat" else "1"
    wall.go_to(last)
    press(window, other)
    press(window, Qt.Key.Key_Return)
    press(window, Qt.Key.Key_Return, SHIFT)
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any("Signed:" in text for text in window.toasts.texts), timeout=60_000)
    project = window.session.project
    assert project is not None
    project.history.flush()
    (signed,) = project.review.certificates.signed()
    assert (signed.task, signed.max_error, signed.seed) == ("boxes", 0.3, audit.seed)
    assert signed.criterion == "the label is right and the box fits, by eye"
    pages = [project.history.page(image) for image in project.images.ids().tolist()]
    assert [a.source for page in pages for a in page.annotations].count(Source.CERTIFIED) == signed.accepted > 0
    decided = [v.decision for page in pages for v in page.verdicts]
    assert decided.count(Decision.CORRECTED) == 1
    press(window, "c")
    dialog = window.dialogs.current
    assert isinstance(dialog, CertificateDialog)
    qtbot.waitUntil(lambda: dialog.table.rowCount() == 1, timeout=60_000)
    assert dialog.table.item(0, 2).text() == "boxes" and "box fits" in dialog.table.item(0, 0).toolTip()
    dialog.close()


def test_a_sample_of_boxes_waits_beside_one_of_tags(window: MainWindow, boxes: ReviewScreen, qtbot: Any) -> None:
    project = window.session.project
    assert project is not None
    draw(window, boxes, qtbot)
    press(window, Qt.Key.Key_Return)
    assert len(boxes.check.checked) == 1
    tags = project.review.certificates.draw(0.6, 4, seed=1)
    boxes.piles.reload()
    qtbot.waitUntil(lambda: CheckChoice(Task.TAGS) in boxes.list.entries.choices(), timeout=60_000)
    boxes.list.choose(CheckChoice(Task.TAGS))
    qtbot.waitUntil(lambda: boxes.check.audit is not None and boxes.check.audit.task is Task.TAGS, timeout=60_000)
    assert boxes.check.audit == tags and boxes.check.checked == {}
    boxes.list.choose(CheckChoice(Task.BOXES))
    qtbot.waitUntil(lambda: boxes.check.audit is not None and boxes.check.audit.task is Task.BOXES, timeout=60_000)
    assert len(boxes.check.checked) == 1, "the answers of each are kept"


def test_a_crop_brings_the_outline_of_a_mask_where_it_lies(
    window: MainWindow, review: ReviewScreen, qtbot: Any
) -> None:
    project = window.session.project
    assert project is not None
    image = project.images.many(project.images.ids().tolist())[0]
    ring = np.ones((20, 40), bool)
    ring[5:15, 10:30] = False
    mask = Mask.from_array(ring, 8, 6)
    assert mask is not None
    label_id = window.session.ordered_labels()[0].id
    made = Suggestion(new_id(), 1, image.id, mask, ((label_id, 0.9),), 0.9, 0.9, task=Task.MASKS)
    with project._parts.db.write("engine") as writer:
        writer.suggestions.add_many([made])
    crop = Crop(image.id, (8.0, 6.0, 48.0, 26.0), 160, made.id)
    gone = Crop(image.id, (8.0, 6.0, 48.0, 26.0), 160, UUID(int=0))
    assert review.crops.get(crop) is None and review.crops.get(gone) is None
    qtbot.waitUntil(lambda: review.crops.waiting == 0, timeout=60_000)
    assert review.crops.rings(gone) == ()
    outer, hole = sorted(review.crops.rings(crop), key=lambda each: -np.ptp(each[:, 0]))
    wide, high = 40 * 1.4, 20 * 1.4
    assert outer.min(axis=0) == pytest.approx([8 / wide, 4 / high]) and outer.max(axis=0) == pytest.approx(
        [48 / wide, 24 / high]
    )
    assert hole.min(axis=0) == pytest.approx([18 / wide, 9 / high]) and hole.max(axis=0) == pytest.approx(
        [38 / wide, 19 / high]
    )
    cut = review.crops.get(crop)
    assert cut is not None
    plain = fitted(cut, (), cut.size(), 1.0, "#ff00ff").toImage()
    drawn = fitted(cut, (outer, hole), cut.size(), 1.0, "#ff00ff").toImage()
    x, y = round(28 / wide * cut.width()), round(4 / high * cut.height())
    row = [drawn.pixelColor(at, y) for at in range(x - 12, x + 12)]
    assert QColor("#ff00ff") in row, "dashes in the label's colour along the upper edge"
    assert QColor("#ff00ff") not in [plain.pixelColor(at, y) for at in range(x - 12, x + 12)]
