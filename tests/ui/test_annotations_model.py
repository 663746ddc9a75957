"""The annotations as rows: what changes is told row by row, and what is shown is always what a fresh model shows."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest

from annotator.domain.geometry import Box
from annotator.domain.page import annotation_order
from annotator.domain.records import Annotation, Label, new_annotation
from tests.ui.conftest import press
from ui.main_window import MainWindow
from ui.qt_models.annotations_model import ANNOTATION, FEW, GROUP, AnnotationsModel

LABELS = [Label(1, "cat"), Label(2, "dog"), Label(3, "cow")]
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
MADE = count()
NONE = Qt.KeyboardModifier.NoModifier


def box(label: int, x: float = 0, z: int = 0, image: int = 1) -> Annotation:
    """One that was drawn after all others."""
    made = new_annotation(image, label, Box(x, 0, x + 5, 5))
    return replace(made, z_order=z, created_at=f"{made.created_at} {next(MADE):06}")


def shown(model: AnnotationsModel) -> list[tuple[str, Annotation | None]]:
    """Text and annotation of every row."""
    indexes = [model.index(row, 0) for row in range(model.rowCount())]
    return [(index.data(), index.data(ANNOTATION)) for index in indexes]


def listen(model: AnnotationsModel) -> list[str]:
    told: list[str] = []
    model.modelReset.connect(lambda: told.append("reset"))
    model.rowsInserted.connect(lambda parent, first, last: told.append(f"+{first}-{last}"))
    model.rowsRemoved.connect(lambda parent, first, last: told.append(f"-{first}-{last}"))
    return told


def test_one_that_comes_or_goes_moves_no_other(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(5)]
    model.set_annotations(ones, LABELS)
    told = listen(model)
    more = [*ones, box(1, 9)]
    model.set_annotations(more, LABELS)
    model.set_annotations([*more[:2], *more[3:]], LABELS)
    assert told == ["+6-6", "-3-3"]
    assert [one for _, one in shown(model)] == [None, *more[:2], *more[3:]]


def test_a_changed_one_keeps_its_row(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(3)]
    model.set_annotations(ones, LABELS)
    told, changed = listen(model), replace(ones[1], locked=True)
    model.set_annotations([ones[0], changed, ones[2]], LABELS)
    assert told == []
    assert model.index(2, 0).data(ANNOTATION).locked
    assert not model.index(0, 0).data(GROUP).all_locked


def test_a_label_comes_with_its_first_annotation_and_goes_with_its_last(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1), box(3)]
    model.set_annotations(ones, LABELS)
    told, dog = listen(model), box(2)
    model.set_annotations([*ones, dog], LABELS)
    assert [text for text, _ in shown(model)] == [
        "cat (1)",
        "box  5 × 5",
        "dog (1)",
        "box  5 × 5",
        "cow (1)",
        "box  5 × 5",
    ]
    model.set_annotations([ones[0], dog], LABELS)
    assert told == ["+2-3", "-4-5"]


def test_other_labels_or_many_changes_are_a_new_list(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(3)]
    model.set_annotations(ones, LABELS)
    told = listen(model)
    model.set_annotations(ones, [replace(LABELS[0], name="tiger"), *LABELS[1:]])
    model.set_annotations([box(1, x) for x in range(FEW)], LABELS)
    assert told == ["reset", "reset"]


def test_a_folded_label_stays_folded_on_the_next_image(qtbot: object) -> None:
    model = AnnotationsModel()
    model.set_annotations([box(1), box(2)], LABELS)
    model.fold(1, True)
    assert [text for text, _ in shown(model)] == ["cat (1)", "dog (1)", "box  5 × 5"]
    model.set_annotations([box(1, image=2), box(1, 3, image=2)], LABELS)
    assert [text for text, _ in shown(model)] == ["cat (2)"]
    model.fold(1, False)
    assert model.rowCount() == 3


def test_any_sequence_of_pages_is_shown_as_a_fresh_model_shows_it(qtbot: object) -> None:
    pick = random.Random(4)
    model = AnnotationsModel()
    model.fold(2, True)
    page: list[Annotation] = []
    for _ in range(150):
        page = list(page)
        for _ in range(pick.randint(0, 3)):
            if page and pick.random() < 0.4:
                del page[pick.randrange(len(page))]
            elif page and pick.random() < 0.3:
                at = pick.randrange(len(page))
                page[at] = replace(
                    page[at], hidden=not page[at].hidden, label_id=pick.randint(1, 4), z_order=pick.randint(0, 1)
                )
            else:
                page.append(box(pick.randint(1, 3), pick.random(), pick.randint(0, 1)))
        page.sort(key=annotation_order)
        fresh = AnnotationsModel()
        fresh.fold(2, True)
        fresh.set_annotations(page, LABELS)
        model.set_annotations(page, LABELS)
        assert shown(model) == shown(fresh)
        groups = [model.index(row, 0).data(GROUP) for row in range(model.rowCount(QModelIndex()))]
        for group in filter(None, groups):
            assert group.all_hidden == all(each.hidden for each in group.members)
        for one in page:
            row = model.index(model.row_of(one), 0)
            assert row.data(ANNOTATION) == one or row.data(GROUP).folded


# --- in the window ---------------------------------------------------------------------------------------------------------


def with_boxes(window: MainWindow, qtbot: Any, number: int) -> None:
    """``number`` boxes of cats and as many of dogs on the image."""
    page = window.session.page
    assert page is not None
    made = [box(1 + at % 2, at % 50, image=page.image.id) for at in range(2 * number)]
    with window.session.project._parts.db.write("import") as writer:
        writer.annotations.add_many(made)
    qtbot.waitUntil(lambda: len(window.session.page.annotations) == 2 * number)


def click(window: MainWindow, row: int, modifier: Qt.KeyboardModifier = NONE, x: int = 90) -> None:
    view = window.annotate.annotations.view
    point = QPoint(x, view.visualRect(view.model().index(row, 0)).center().y())
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifier, point)


def chosen_rows(window: MainWindow) -> list[int]:
    return sorted(index.row() for index in window.annotate.annotations.view.selectionModel().selectedIndexes())


def test_rows_are_chosen_by_clicks_and_keys_and_deleted(window: MainWindow, qtbot: Any) -> None:
    with_boxes(window, qtbot, 4)
    view, session = window.annotate.annotations.view, window.session
    click(window, 2)
    assert [a.label_id for a in session.selected_annotations()] == [1]
    click(window, 4, SHIFT)
    assert chosen_rows(window) == [2, 3, 4]
    click(window, 7, CTRL)
    assert chosen_rows(window) == [2, 3, 4, 7]
    click(window, 5)
    assert len(session.selected_annotations()) == 4  # the label stands for all that it has
    assert chosen_rows(window) == [6, 7, 8, 9]
    QTest.keyClick(view, Qt.Key.Key_Home)
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert chosen_rows(window) == [1]
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert view.model().rowCount() == 9
    assert view.model().index(0, 0).data() == "cat (3)"


def test_a_label_is_folded_by_its_arrow_by_keys_and_by_a_double_click(window: MainWindow, qtbot: Any) -> None:
    with_boxes(window, qtbot, 3)
    view = window.annotate.annotations.view
    click(window, 0, x=12)
    assert view.model().rowCount() == 5
    click(window, 0)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.model().rowCount() == 8
    point = QPoint(90, view.visualRect(view.model().index(4, 0)).center().y())
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, NONE, point)
    assert view.model().rowCount() == 5
    dog = next(a for a in window.session.page.annotations if a.label_id == 2)
    window.session.select((dog.id,))
    assert view.model().rowCount() == 8  # what is chosen on the canvas is not left hidden in its label


def test_eye_and_lock_act_on_a_row_and_on_all_of_a_label(window: MainWindow, qtbot: Any) -> None:
    with_boxes(window, qtbot, 3)
    view = window.annotate.annotations.view
    right = view.viewport().width()
    click(window, 0, x=right - 30)
    assert [a.hidden for a in window.session.page.annotations if a.label_id == 1] == [True] * 3
    click(window, 2, x=right - 10)
    assert sum(a.locked for a in window.session.page.annotations) == 1


def test_an_edit_beside_thousands_asks_for_no_row_that_is_not_in_view(
    window: MainWindow, qtbot: Any, monkeypatch: Any
) -> None:
    with_boxes(window, qtbot, 3_000)
    qtbot.wait(100)
    asked: list[int] = []
    data = AnnotationsModel.data
    monkeypatch.setattr(
        AnnotationsModel, "data", lambda model, index, role=0: asked.append(index.row()) or data(model, index, role)
    )
    counted: list[int] = []
    rows = AnnotationsModel.rowCount
    monkeypatch.setattr(AnnotationsModel, "rowCount", lambda model, parent=None: counted.append(1) or rows(model))
    window.canvas.drawn.emit(Box(10, 10, 50, 50))
    qtbot.wait(100)
    press(window, Qt.Key.Key_Z, CTRL)
    qtbot.wait(100)
    view = window.annotate.annotations.view
    assert view.verticalScrollBar().maximum() == 6_002 * 24 - view.viewport().height()
    assert len(set(asked)) < 60
    assert len(counted) < 600
