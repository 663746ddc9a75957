"""The Audit pile and the pile of new things, by keys in the real window; each answer can be taken back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain.kinds import FindingState
from annotator.edits import tags
from annotator.usecases import findings as room
from annotator.usecases import novelty
from annotator.usecases.results import AuditResult, Finding
from tests.ui.conftest import FakeEngine, press
from ui.main_window import MainWindow
from ui.review.choices import FindingsChoice, NovelChoice
from ui.review.review_screen import ReviewScreen

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def findings(window: MainWindow, qtbot: Any) -> ReviewScreen:
    """Three pictures tagged cat; an audit says that the first two look like dogs, and that no key can help the third."""
    session, project = window.session, window.session.project
    assert project is not None
    ids = project.images.ids().tolist()[:3]
    cat = session.ordered_labels()[0].id
    for image in ids:
        session.perform(tags.set_tag(project.history.page(image), cat, session.vocabulary, annotator="Ada"))
    project.history.flush()
    found = tuple(
        Finding(
            "label", image, f"picture {at}.png", 3.0 - at, "tagged cat, looks like dog (90%)", "cat", "dog",
            key=room.key_of("label", image, "cat", "dog"), fix="tag it dog" if at < 2 else "",
        )
        for at, image in enumerate(ids)
    )  # fmt: skip
    room.write(project._parts, AuditResult(found, 0.1, {"label": 3}))
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: FindingsChoice() in screen.list.entries.choices())
    screen.list.choose(FindingsChoice())
    qtbot.waitUntil(lambda: screen.findings.model.rowCount() == 3)
    screen.findings.list.setFocus()
    return screen


def labels_of(window: MainWindow) -> list[str]:
    project = window.session.project
    assert project is not None
    project.history.flush()
    pages = [project.history.page(image) for image in project.images.ids().tolist()[:3]]
    return [window.session.labels[page.annotations[0].label_id].name for page in pages]


def test_findings_are_fixed_kept_and_skipped_by_keys_and_undone(
    window: MainWindow, findings: ReviewScreen, qtbot: Any
) -> None:
    page, project = findings.findings, window.session.project
    assert project is not None
    assert "tag it dog" in page.fix_button.text()
    assert "looks like dog" in page.reason.text()
    press(window, "f")
    assert labels_of(window) == ["dog", "cat", "cat"]
    assert page.model.rowCount() == 2
    press(window, "k")
    assert page.model.rowCount() == 1
    press(window, "f")
    assert page.model.rowCount() == 1, "no key fixes this one"
    assert any("No key can fix" in text for text in window.toasts.texts)
    press(window, "x")
    project.history.flush()
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    left = project.review.findings.last()
    assert left is not None
    assert [each.state for each in left.findings] == [FindingState.SKIPPED.value]
    for _ in range(3):
        press(window, Qt.Key.Key_Z, CTRL)
    assert labels_of(window) == ["cat", "cat", "cat"]
    qtbot.waitUntil(lambda: page.model.rowCount() == 3)


def test_an_audit_is_started_from_the_empty_pile(window: MainWindow, qtbot: Any) -> None:
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: FindingsChoice() in screen.list.entries.choices())
    screen.list.choose(FindingsChoice())
    qtbot.waitUntil(lambda: screen.pages.currentWidget() is screen.findings)
    qtbot.waitUntil(lambda: screen.findings._empty.isVisible())
    QTest.mouseClick(screen.findings._empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "audit" in [handle.name for made in FakeEngine.made for handle in made.handles])


def test_a_label_is_made_of_the_new_pile_by_one_key(window: MainWindow, qtbot: Any) -> None:
    from tests.ui.review.conftest import add_suggestions, click

    add_suggestions(window)
    project = window.session.project
    assert project is not None
    ids = project.images.ids()
    novelty.write(project._parts, ids, np.linspace(0.9, 0.1, len(ids)).astype(np.float32), 0.5)
    press(window, Qt.Key.Key_2, CTRL)
    screen = window.screens.review
    assert screen is not None
    qtbot.waitUntil(lambda: NovelChoice() in screen.list.entries.choices())
    screen.list.choose(NovelChoice())
    qtbot.waitUntil(lambda: len(screen.images.wall.rows) == 3)
    assert screen.images.chosen_images() == ids[:3].tolist(), "the strangest first"
    click(screen.images.wall, 1)
    screen.images.wall.setFocus()
    press(window, Qt.Key.Key_Return)
    picker = window.popups.pile_label
    assert picker is not None and picker.isVisible()
    QTest.keyClicks(picker.field, "lynx")
    QTest.keyClick(picker.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "lynx" in [label.name for label in window.session.labels.values()])
    project.history.flush()
    lynx = next(label.id for label in window.session.labels.values() if label.name == "lynx")
    tagged = [i for i in ids.tolist() if any(a.label_id == lynx for a in project.history.page(i).annotations)]
    assert tagged == [int(ids[0]), int(ids[2])]
    press(window, Qt.Key.Key_Z, CTRL)
    assert "lynx" not in [label.name for label in window.session.labels.values()]
