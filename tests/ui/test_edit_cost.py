"""What an edit makes the window do beside showing it, counted instead of timed: words and figures change, nothing is laid out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from ui.main_window import MainWindow

WATCHED = (QEvent.Type.LayoutRequest, QEvent.Type.Polish)


class Listener(QObject):
    """Counts layout and style events by class of widget."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QWidget) and event.type() in WATCHED:
            self.counts[type(watched).__name__] += 1
        return False


def told(window: MainWindow, number: int) -> None:
    """What the window says of an edit: that it is being saved, how many there are, what was undone, and that it is saved."""
    window.toolbar.saved.show_state("saving")
    window.annotate.annotation_section.set_count(f"{number}")
    window.annotate.strip.place.setText(f"{number} / 99")
    window.toasts.brief(f"Undid: Draw box {number}")
    window.toolbar.saved.show_state("saved")
    QApplication.sendPostedEvents()


def test_saving_counting_and_undoing_lay_out_nothing_but_the_message(window: MainWindow, qtbot: Any) -> None:
    told(window, 88)
    app = QApplication.instance()
    assert app is not None

    def is_quiet() -> bool:
        """One more round; what waited for the window to open may still come in the first ones."""
        listener = Listener()
        app.installEventFilter(listener)
        told(window, 10 + window.toasts.texts[-1].count("0"))
        app.removeEventFilter(listener)
        return set(listener.counts) <= {"Toast"}

    qtbot.waitUntil(is_quiet, timeout=60_000)
    assert window.toolbar.saved.state == "saved" and "Draw box 1" in window.toasts.texts[-1]


def test_a_longer_figure_gets_more_room(window: MainWindow) -> None:
    figure = window.annotate.strip.place
    figure.setText("1 / 9")
    narrow = figure.width()
    figure.setText("1,000,000 / 1,000,000")
    assert figure.width() == figure.sizeHint().width() > narrow
    figure.setText("2 / 9")
    assert figure.text() == "2 / 9" and figure.width() > narrow
