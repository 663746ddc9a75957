"""A walk through the window without a person: opens a project, works on it by commands and mouse events, and takes pictures.

The demo without a screen and the pictures of the documentation both come from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from annotator.domain.geometry import Box, GeometryKind
from annotator.errors import AnnotatorError
from annotator.settings import ThemeChoice
from ui.theme import theme

if TYPE_CHECKING:
    from annotator.domain.page import Page
    from annotator.media.generate import DemoTruth
    from ui.main_window import MainWindow

SMALL, LARGE = (1280, 800), (1920, 1080)
THEMES = (ThemeChoice.DARK, ThemeChoice.LIGHT)
PATIENCE_S = 120.0
SETTLE_MS = 250
VEIL = 110


class Pause(QObject):
    """Lets the event loop run for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = QEventLoop(self)

    def rest(self, milliseconds: int) -> None:
        """Handle events for so long."""
        QTimer.singleShot(milliseconds, self._loop, self._loop.quit)
        self._loop.exec()

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Handle events until ``condition`` holds; raises ``AnnotatorError`` that names ``what`` when it never does."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise AnnotatorError(f"The window did not get ready: {what}.", "Try again on a less busy machine.")
            self.rest(20)


class Tour:
    """The simulated annotator. ``truth`` says what the pictures show; ``made`` are the pictures taken so far."""

    def __init__(self, window: MainWindow, out: Path, truth: DemoTruth | None) -> None:
        self.window = window
        self.made: list[Path] = []
        self._out = out
        self._truth = truth
        self._pause = Pause()
        self._tagged: set[int] = set()

    # --- the walk ------------------------------------------------------------------------------------------------------

    def start_page(self) -> None:
        """The first page."""
        self.window.show_start()
        self._shoot("start", [SMALL])

    def open(self, project: Path) -> None:
        """Open the project and let its jobs end."""
        w = self.window
        w.open_path(project)
        self._pause.until(lambda: w.session.page is not None, "the project opens")
        self._pause.until(lambda: not w.jobs.running, "the first jobs end")
        self._pause.rest(SETTLE_MS)

    def judge(self) -> None:
        """Tags: pictures of an open question; then two are answered, both taken back, and both done again."""
        w = self.window
        w.commands.run("tool.tag")
        doubtful = self._most_doubtful()
        if doubtful is None:
            return
        self._go(doubtful)
        self._shoot("suggestions", [SMALL])
        for _ in range(2):
            self._answer()
        for command in ("edit.undo", "edit.undo", "edit.redo", "edit.redo"):
            w.commands.run(command)
            self._pause.rest(20)
        self._saved()

    def draw(self) -> None:
        """Boxes around what is on a picture, by mouse, each with its label's digit; then the Annotate screen in all sizes."""
        w, target = self.window, self._richest()
        if target is not None:
            image_id, name, boxes = target
            self._go(image_id)
            w.commands.run("tool.box")
            for box in boxes:
                self._drag((box.x1, box.y1), (box.x2, box.y2))
                self._give(name)
            self._saved()
        self._shoot("annotate", [SMALL, LARGE])
        w.commands.run("app.palette")
        self._shoot("palette", [SMALL])
        if w.popups.palette is not None:
            w.popups.palette.hide()
        w.binding.focus()

    def point(self) -> None:
        """The smart tool: a box around a thing of a picture, and what the machine draws in it; nothing of it is kept."""
        w, target = self.window, self._richest()
        if target is None:
            return
        image_id, name, boxes = target
        self._go(image_id)
        w.commands.run("tool.smart")
        self._give(name)
        w.smart_choices.set_form(GeometryKind.POLYGON)
        self._pause.until(lambda: w.smart.ready is not None, "the smart tool's model is loaded")
        box = max(boxes, key=_area)
        self._drag((box.x1, box.y1), (box.x2, box.y2))
        self._pause.until(self._is_answered, "the smart tool answers")
        self._shoot("smart", [SMALL])
        w.commands.run("tool.select")

    def review(self) -> None:
        """The wall of the fullest pile with its outliers marked; the marks are taken away again."""
        w = self.window
        w.commands.run("screen.review")
        screen = w.screens.review
        assert screen is not None
        self._pause.until(lambda: screen.list.current is not None, "the piles are counted")
        entries = screen.list.entries
        fullest = max(entries.choices(), key=lambda choice: entries.count_of(choice))
        screen.list.choose(fullest)
        self._pause.until(lambda: screen.wall.choice == fullest and not screen.crops.waiting, "the wall shows")
        pile, truth = screen.wall.pile, self._truth
        if pile is not None and truth is not None:
            name = w.session.labels[fullest.label_id].name
            images = w.session.project.images.many(pile.image_ids.tolist()) if w.session.project is not None else []
            screen.wall.marks.toggle(row for row, image in enumerate(images) if truth.images.get(image.uri) != name)
        self._shoot("review", [SMALL])
        screen.wall.marks.clear()

    def insights(self) -> None:
        """The figures of the project."""
        w = self.window
        w.commands.run("screen.insights")
        screen = w.screens.insights
        assert screen is not None
        self._pause.until(
            lambda: all(card.figure is not None for card in screen.cards.values()), "the figures are counted"
        )
        self._shoot("insights", [SMALL])
        w.commands.run("screen.annotate")

    def finish(self) -> None:
        """The image is done; then the dialogs of an export and an import, of splits and versions, and the shortcut sheet."""
        w = self.window
        w.commands.run("image.done")
        self._saved()
        target = str(self._out.parent / "exports" / "window")
        self._export(target)
        w.commands.run("file.import")
        dialog: Any = w.dialogs.current
        dialog.path.set_path(target)
        self._show_dialog("import", lambda dialog: dialog.view.preview is not None)
        w.commands.run("file.splits")
        self._show_dialog("splits", lambda dialog: not dialog.bar.isVisible())
        w.commands.run("file.versions")
        versions: Any = w.dialogs.current
        versions.name.setText("v1")
        versions.note.setText(w.tr("before the review"))
        self._pause.until(versions.keep.isEnabled, "the versions are read")
        versions.keep.click()
        self._pause.until(versions.compare.isEnabled, "the version is kept")
        versions.compare.click()
        self._show_dialog("versions", lambda dialog: dialog.images_changed.isVisible())
        w.commands.run("app.shortcuts")
        self._show_dialog("shortcuts", bool)

    def _export(self, target: str) -> None:
        w = self.window
        w.commands.run("file.export")
        dialog: Any = w.dialogs.current
        dialog.format.setCurrentIndex(dialog.format.findData("yolo"))
        self._pause.until(dialog.view.bar.isHidden, "the losses are counted")
        self._shoot("export", [SMALL], over=dialog)
        dialog.format.setCurrentIndex(dialog.format.findData("coco"))
        dialog.path.set_path(target)
        dialog.existing.setCurrentIndex(dialog.existing.findData("replace"))
        dialog.start.click()
        self._pause.until(lambda: w.dialogs.current is not None and w.dialogs.current is not dialog, "the export ends")
        self._show_dialog("report", bool)

    def _show_dialog(self, name: str, is_ready: Callable[[Any], bool]) -> None:
        """A picture of the open dialog, which is closed then."""
        dialog: Any = self.window.dialogs.current
        self._pause.until(lambda: is_ready(dialog), f"the dialog {name} is filled")
        self._shoot(name, [SMALL], over=dialog)
        dialog.close()

    def _is_answered(self) -> bool:
        tool = self.window.smart.tool()
        return tool is not None and bool(tool.turns) and tool.turns[-1].answered

    # --- what the annotator does ---------------------------------------------------------------------------------------

    def _answer(self) -> None:
        """Accept what is suggested when it is right, else give the label's digit."""
        w = self.window
        page, active = w.session.page, w.verdicts.active
        if page is None or active is None:
            return
        right = self._truth.images.get(page.image.uri) if self._truth is not None else None
        if right is None or w.session.labels[active.label_id].name == right:
            w.commands.run("verdict.accept")
        else:
            self._give(right)
        here = page.image.id
        self._pause.until(
            lambda: w.session.page is not None and w.session.page.image.id != here, "the next image shows"
        )

    def _give(self, name: str) -> None:
        label = next((v for v in self.window.session.labels.values() if v.name == name), None)
        if label is not None:
            self.window.keys.give_label(label.id)

    def _drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A drag over the canvas between two points of the image."""
        canvas = self.window.canvas
        points = [QPointF(*canvas.view.to_screen(*point)) / canvas.unit for point in (start, end)]
        points.insert(1, (points[0] + points[1]) / 2)
        kinds = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseMove)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        for kind, point in zip((*kinds, QEvent.Type.MouseButtonRelease), (*points, points[-1]), strict=True):
            button = none if kind is QEvent.Type.MouseMove else left
            held = none if kind is QEvent.Type.MouseButtonRelease else left
            there = canvas.mapToGlobal(point)
            QApplication.sendEvent(
                canvas, QMouseEvent(kind, point, there, button, held, Qt.KeyboardModifier.NoModifier)
            )

    def _go(self, image_id: int) -> None:
        w = self.window
        w.session.go_to(image_id)
        self._pause.until(lambda: all(w.canvas.image_size), "the picture shows")
        self._pause.rest(SETTLE_MS)

    def _saved(self) -> None:
        self._pause.until(lambda: self.window.toolbar.saved.state == "saved", "the last edit is saved")

    def _pages(self) -> Iterable[Page]:
        session = self.window.session
        return (session.read_page(image_id) for image_id in session.order.ids.tolist())

    def _most_doubtful(self) -> int | None:
        """The open image whose best candidates are closest to each other; if there is one, an image whose best is right."""
        names = {label.id: label.name for label in self.window.session.labels.values()}
        truth = self._truth.images if self._truth is not None else {}
        found = [
            (
                names.get(s.label_id) != truth.get(page.image.uri),
                s.distribution[0][1] - (s.distribution[1][1] if len(s.distribution) > 1 else 0.0),
                page.image.id,
            )
            for page in self._pages()
            for s in page.suggestions
            if s.geometry.kind is GeometryKind.TAG
        ]
        return min(found)[2] if found else None

    def _richest(self) -> tuple[int, str, Sequence[Box]] | None:
        """The picture with most things on it that has nothing drawn yet: its id, their label and their boxes."""
        if self._truth is None:
            return None
        best: tuple[int, str, Sequence[Box]] | None = None
        for page in self._pages():
            uri = page.image.uri
            boxes = self._truth.boxes.get(uri, ())
            drawn = any(a.kind is not GeometryKind.TAG for a in page.annotations)
            if not drawn and len(boxes) > (0 if best is None else len(best[2])):
                best = page.image.id, self._truth.images[uri], boxes
        return best

    # --- pictures ------------------------------------------------------------------------------------------------------

    def _shoot(self, name: str, sizes: Sequence[tuple[int, int]], over: QWidget | None = None) -> None:
        """Pictures of the window in both themes, with the dialog ``over`` it."""
        w, several = self.window, len(sizes) > 1
        w.toasts.clear()
        for size in sizes:
            w.resize(*size)
            w.annotate.share_width()
            for choice in THEMES:
                theme().choose(choice)
                self._pause.rest(SETTLE_MS)
                w.canvas.fit()
                self._pause.rest(SETTLE_MS)
                suffix = f"-{size[0]}x{size[1]}" if several else ""
                target = self._out / f"{name}-{choice.value}{suffix}.png"
                picture = w.grab()
                if over is not None:
                    lay_over(picture, over.grab())
                if picture.save(str(target)):
                    self.made.append(target)
        theme().choose(THEMES[0])
        w.resize(*sizes[0])


def _area(box: Box) -> float:
    return box.area


def lay_over(picture: QPixmap, dialog: QPixmap) -> None:
    """Paint ``dialog`` on the middle of ``picture``, which is dimmed: a dialog is a window of its own and not in its grab."""
    painter = QPainter(picture)
    painter.fillRect(picture.rect(), QColor(0, 0, 0, VEIL))
    ratio = picture.devicePixelRatio()
    at = QPoint(
        round((picture.width() - dialog.width()) / 2 / ratio), round((picture.height() - dialog.height()) / 2 / ratio)
    )
    painter.drawPixmap(at, dialog)
    painter.setPen(QPen(QColor(theme().tokens.border)))
    painter.drawRect(at.x(), at.y(), round(dialog.width() / ratio), round(dialog.height() / ratio))
    painter.end()
