"""The annotations as a tree: what changes is told row by row, and what is shown is always what was given."""

from __future__ import annotations

import random
from dataclasses import replace

from PySide6.QtCore import QModelIndex

from annotator.domain.geometry import Box
from annotator.domain.records import Annotation, Label, new_annotation
from ui.qt_models.annotations_model import ANNOTATION, AnnotationsModel

LABELS = [Label(1, "cat"), Label(2, "dog"), Label(3, "cow")]


def box(label: int, x: float = 0, z: int = 0) -> Annotation:
    return replace(new_annotation(1, label, Box(x, 0, x + 5, 5)), z_order=z)


def shown(model: AnnotationsModel) -> list[list[Annotation]]:
    groups = [model.index(row, 0) for row in range(model.rowCount())]
    return [[model.index(row, 0, group).data(ANNOTATION) for row in range(model.rowCount(group))] for group in groups]


def listen(model: AnnotationsModel) -> list[str]:
    told: list[str] = []
    model.modelReset.connect(lambda: told.append("reset"))
    model.rowsInserted.connect(lambda parent, first, last: told.append(f"+{parent.row()}.{first}"))
    model.rowsRemoved.connect(lambda parent, first, last: told.append(f"-{parent.row()}.{first}"))
    return told


def test_one_that_comes_or_goes_moves_no_other(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(5)]
    assert model.set_annotations(ones, LABELS)
    told = listen(model)
    more = [*ones, box(1, 9)]
    assert not model.set_annotations(more, LABELS)
    assert not model.set_annotations([*more[:2], *more[3:]], LABELS)
    assert told == ["+0.5", "-0.2"]
    assert shown(model) == [[*more[:2], *more[3:]]]


def test_a_changed_one_keeps_its_row(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(3)]
    model.set_annotations(ones, LABELS)
    told, changed = listen(model), replace(ones[1], locked=True)
    assert not model.set_annotations([ones[0], changed, ones[2]], LABELS)
    assert told == []
    assert shown(model)[0][1].locked


def test_another_label_or_order_is_a_new_tree(qtbot: object) -> None:
    model = AnnotationsModel()
    ones = [box(1, x) for x in range(3)]
    model.set_annotations(ones, LABELS)
    assert model.set_annotations([*ones, box(2)], LABELS)
    assert model.set_annotations([ones[0], replace(ones[1], z_order=4), ones[2], box(2)], LABELS)
    assert [len(group) for group in shown(model)] == [3, 1]


def test_any_sequence_of_pages_is_shown_as_a_fresh_model_shows_it(qtbot: object) -> None:
    pick = random.Random(4)
    model = AnnotationsModel()
    page: list[Annotation] = []
    for _ in range(150):
        page = list(page)
        for _ in range(pick.randint(0, 3)):
            if page and pick.random() < 0.4:
                del page[pick.randrange(len(page))]
            elif page and pick.random() < 0.3:
                at = pick.randrange(len(page))
                page[at] = replace(page[at], hidden=not page[at].hidden, label_id=pick.randint(1, 4))
            else:
                page.append(box(pick.randint(1, 3), pick.random(), pick.randint(0, 1)))
        page.sort(key=lambda a: a.z_order)
        fresh = AnnotationsModel()
        fresh.set_annotations(page, LABELS)
        model.set_annotations(page, LABELS)
        assert shown(model) == shown(fresh)
        assert [model.index(r, 0).data() for r in range(model.rowCount(QModelIndex()))] == [
            fresh.index(r, 0).data() for r in range(fresh.rowCount(QModelIndex()))
        ]
