"""The Insights screen in the real window: figures, empty states, the pile behind a cell, and exports that hold the numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from annotator.pseudolabel.calibrate import reliability
from annotator.settings import ThemeChoice
from annotator.usecases.insights import (
    CalibrationView,
    Confusion,
    Insights,
    LabelBalance,
    ModelAcceptance,
    Progress,
    RoundPoint,
    TimePerImage,
)
from annotator.usecases.results import Agreement
from tests.ui.conftest import press
from ui.actions import Screen
from ui.insights.insights_screen import InsightsScreen
from ui.main_window import MainWindow
from ui.theme import theme

CTRL = Qt.KeyboardModifier.ControlModifier


def rounds() -> tuple[RoundPoint, ...]:
    made = []
    for number, (labels, accuracy, released) in enumerate(
        [(50, 0.6, True), (100, 0.8, True), (150, 0.7, False)], start=1
    ):
        made.append(
            RoundPoint(number, number, labels, accuracy, 0.02, None, "out-of-fold", "probe", released, f"v{number}", "")
        )
    return tuple(made)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a project that has been worked on: 6 images, of which the head takes image 2 for a dog."""
    sure = np.linspace(0.05, 0.95, 40)
    line = reliability(sure, sure > 0.5)
    truth, said, ids = np.asarray([0, 0, 1, 2]), np.asarray([0, 1, 1, 2]), np.asarray([1, 2, 3, 4])
    counts = np.asarray([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    moments = tuple(f"2026-03-01T10:0{at}:00.000+00:00" for at in range(4))
    known: dict[str, Any] = {
        "progress": Progress(6, 4, moments, (1, 2, 3, 4), 0.05, 60.0, 2 / 60),
        "rounds": rounds(),
        "calibration": (CalibrationView("tags", 40, 100, False, 1.3, line, line),),
        "balance": (LabelBalance(1, "cat", 3, 1), LabelBalance(2, "dog", 1, 2), LabelBalance(3, "bird", 0, 0)),
        "confusion": (Confusion("tags", ("cat", "dog", "bird"), counts, truth, said, ids),),
        "time_per_image": TimePerImage((0.0, 5.0, 10.0), (3, 1), 2.5, 4, (("2026-03-01", 2.5, 4),)),
        "acceptance": (ModelAcceptance("embedded", "abc", "tags", 3, 1, 0, 1),),
        "agreement": (Agreement("labels", ("Ada", "Bea"), 40, {"Ada, Bea": 0.81}, 0.8, {"Ada, Bea": 40}),),
    }
    for name, value in known.items():
        monkeypatch.setattr(Insights, name, lambda self, value=value: value)


def show(window: MainWindow, qtbot: Any) -> InsightsScreen:
    press(window, Qt.Key.Key_4, CTRL)
    screen = window.screens.insights
    assert screen is not None
    qtbot.waitUntil(lambda: all(card.figure is not None for card in screen.cards.values()))
    return screen


def test_an_empty_project_is_told_what_each_figure_needs(window: MainWindow, qtbot: Any) -> None:
    screen = show(window, qtbot)
    assert window.screens.current is Screen.INSIGHTS
    for name, card in screen.cards.items():
        assert card.figure is not None
        assert card.figure.missing, f"{name} has nothing to show yet"
        assert card.plot is None
        assert not card.export_button.isVisible()
        assert card.accessibleDescription() == card.figure.missing


@pytest.mark.usefixtures("figures")
def test_every_figure_is_drawn_with_its_line_of_words(window: MainWindow, qtbot: Any) -> None:
    screen = show(window, qtbot)
    words = {name: card.caption.full_text() for name, card in screen.cards.items()}
    assert words["progress"] == "4 of 6 images done · 60 an hour · about 2 min left at this pace"
    assert words["rounds"] == "round 3: 70.0% of held-out answers right, from 150 labels · 1 rolled back"
    assert words["calibration"].startswith("ECE ") and "40 verdicts" in words["calibration"]
    assert words["confusion"] == "3 of 4 right · most often cat is seen as dog (1)"
    assert words["balance"] == "most: cat (3) · fewest: bird (0)"
    assert words["acceptance"] == "last version: 75% accepted as suggested"
    assert words["agreement"] == "Krippendorff's alpha 0.80 on 40 pictures · kappa of Ada, Bea: 0.81"
    assert words["time"] == "median 2.5 s · 4 verdicts"
    assert all(card.plot is not None and card.export_button.isVisible() for card in screen.cards.values())


@pytest.mark.usefixtures("figures")
def test_a_rolled_back_round_is_marked_and_not_on_the_line(window: MainWindow, qtbot: Any) -> None:
    plot = show(window, qtbot).cards["rounds"].plot.getPlotItem()
    line, crossed = plot.listDataItems()
    assert line.getData()[0].tolist() == [50, 100]
    assert crossed.getData()[0].tolist() == [150]
    assert crossed.opts["symbol"] == "x"


@pytest.mark.usefixtures("figures")
def test_a_cell_opens_the_pile_behind_it_by_mouse_and_by_keys(window: MainWindow, qtbot: Any) -> None:
    screen = show(window, qtbot)
    card = screen.cards["confusion"]
    screen.area.ensureWidgetVisible(card)
    qtbot.wait(50)
    box = card.plot.getPlotItem().getViewBox()
    point = card.plot.mapFromScene(box.mapViewToScene(QPointF(1.5, 0.5)))
    QTest.mouseMove(card.plot.viewport(), point)
    QTest.mouseClick(card.plot.viewport(), Qt.MouseButton.LeftButton, pos=point)
    qtbot.waitUntil(lambda: window.screens.current is Screen.REVIEW)
    review = window.screens.review
    assert review is not None
    qtbot.waitUntil(lambda: review.images.header.title.full_text() == "cat, seen as dog")
    assert review.images.chosen_images() == [2]
    press(window, Qt.Key.Key_4, CTRL)
    card.setFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Right):
        QTest.keyClick(card, key)
    assert card.accessibleDescription() == "dog, seen as such"
    QTest.keyClick(card, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: review.images.chosen_images() == [3])


@pytest.mark.usefixtures("figures")
def test_figures_are_exported_as_picture_drawing_and_numbers(window: MainWindow, tmp_path: Path, qtbot: Any) -> None:
    screen = show(window, qtbot)
    for name, card in screen.cards.items():
        for suffix in ("png", "svg", "csv"):
            card.save(tmp_path / f"{name}.{suffix}")
        image = QImage(str(tmp_path / f"{name}.png"))
        assert image.width() == 1600
        ground = image.pixel(2, 2)
        assert any(image.pixel(x, y) != ground for x in range(0, 1600, 8) for y in range(0, image.height(), 8))
        assert "<path" in (tmp_path / f"{name}.svg").read_text()
    with (tmp_path / "confusion.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["group", "people_said", "head_said", "images"]
    assert ["tags", "cat", "dog", "1"] in rows
    assert len(rows) == 10
    with (tmp_path / "rounds.csv").open(encoding="utf-8") as file:
        assert [row["released"] for row in csv.DictReader(file)] == ["True", "True", "False"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("figures")
def test_an_export_that_cannot_be_written_says_so(window: MainWindow, tmp_path: Path, qtbot: Any) -> None:
    card = show(window, qtbot).cards["balance"]
    card._save_at(str(tmp_path / "nowhere" / "balance.csv"))
    assert any("balance.csv could not be written" in text for text in window.toasts.texts)
    card._save_at(str(tmp_path / "balance.csv"))
    assert (tmp_path / "balance.csv").read_text().splitlines()[1] == "cat,3,1"


@pytest.mark.usefixtures("figures")
def test_the_figures_follow_the_theme(window: MainWindow, qtbot: Any) -> None:
    screen = show(window, qtbot)
    for choice in (ThemeChoice.LIGHT, ThemeChoice.DARK):
        theme().choose(choice)
        qtbot.waitUntil(lambda: not screen._waiting)
        ground = screen.cards["time"].plot.backgroundBrush().color().name().upper()
        assert ground == theme().tokens.panel
