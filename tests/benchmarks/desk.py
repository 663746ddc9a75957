"""The real main window offscreen, driven by real key presses, for benchmarks that measure what a person waits for.

Also the pictures and projects that those benchmarks open: a few tiny JPEGs, hard-linked as often as asked.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from annotator.settings import AppSettings
from ui import app as application
from ui.main_window import MainWindow

DISTINCT = 20
PER_FOLDER = 1_000
WAIT_S = 600.0


def pictures(folder: Path, count: int, size: tuple[int, int] = (320, 240)) -> Path:
    """A folder of ``count`` JPEGs in subfolders of a thousand; only the first twenty are files of their own."""
    random = np.random.default_rng(0)
    first: list[Path] = []
    for at in range(count):
        inner = folder / f"{at // PER_FOLDER:04d}"
        if at % PER_FOLDER == 0:
            inner.mkdir(parents=True)
        path = inner / f"IMG_{at:07d}.jpg"
        if at < DISTINCT:
            small = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            picture = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
            path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
            first.append(path)
        else:
            path.hardlink_to(first[at % DISTINCT])
    return folder


def project_of(folder: Path, count: int, labels: tuple[str, ...] = ()) -> Path:
    """A closed project of ``pictures(folder, count)`` whose rows are as a finished scan leaves them."""
    from annotator.media import hash_file
    from annotator.project import Project
    from annotator.store.images import NewImage

    project = Project.create(Project.folder_for(folder), folder, labels, annotator="Ada", scan=False)
    known: list[tuple[int, int, str]] = []
    for at in range(min(DISTINCT, count)):
        path = folder / "0000" / f"IMG_{at:07d}.jpg"
        stat = path.stat()
        known.append((stat.st_size, stat.st_mtime_ns, hash_file(path)))

    def rows(first: int, last: int) -> Iterator[NewImage]:
        for at in range(first, last):
            size, moment, digest = known[at % DISTINCT]
            uri = f"{at // PER_FOLDER:04d}/IMG_{at:07d}.jpg"
            yield NewImage(uri, root_id, size, moment, width=320, height=240, content_hash=digest)

    with project:
        root_id = project.images.roots()[0].id
        for first in range(0, count, 50_000):
            with project._parts.db.write("scan") as writer:
                writer.images.add_many(rows(first, min(count, first + 50_000)))
    return project.path


class Desk(QObject):
    """The window, and the person at it. ``painted`` is the id of the image whose picture was last painted."""

    def __init__(self, place: Path) -> None:
        super().__init__()
        os.environ["ANNOTATOR_CONFIG_DIR"] = str(place / "config")
        QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(place / "qsettings"))
        application.application([])
        self.settings = AppSettings(place / "config" / "settings.json")
        self.window: MainWindow = application.main_window(self.settings)
        self.window.resize(1440, 900)
        self.window.show()
        self.painted = -1
        self.scale = 0.0
        self._shown = -1
        self._collector = application.Collector()
        self._collector.start()
        self._beat = QTimer(self)
        self._beat.setInterval(1)
        # A new project asks for its labels first; this person answers at once that they come later.
        self.window.projects.opened.connect(self.window.show_annotate)
        self.window.binding.picture_shown.connect(self._picture_shown)
        self.window.canvas.installEventFilter(self)
        self.window.session.closed.connect(self._collector.collect_all)
        self.until(self.window.isVisible)
        self.window.projects.warm_up()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._shown >= 0:
            self.painted = self._shown
        return super().eventFilter(watched, event)

    def _picture_shown(self, image_id: int) -> None:
        self._shown = image_id
        self.scale = self.window.binding._picture_scale

    def until(self, condition: Callable[[], bool], seconds: float = WAIT_S) -> None:
        """Run the event loop until ``condition`` holds. Raises ``TimeoutError``."""
        end = time.monotonic() + seconds
        self._beat.start()
        try:
            while not condition():
                QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
                if time.monotonic() > end:
                    raise TimeoutError(f"not within {seconds:g} s")
        finally:
            self._beat.stop()
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # there is no exec() to do it

    def rest(self, seconds: float) -> None:
        """Let the window run."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end)

    def open(self, path: Path) -> None:
        """Open a folder or project, and wait until its first picture is painted."""
        self.painted = self._shown = -1
        self.window.open_path(path)
        self.until(lambda: self.painted >= 0)

    def until_idle(self) -> None:
        """Wait for all jobs."""
        self.until(lambda: not self.window.jobs.running)
        self.rest(0.5)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key press on the canvas."""
        QTest.keyClick(self.window.canvas, key, modifier)

    def flush(self) -> None:
        """Paint what waits to be painted, and nothing else that takes long."""
        QApplication.sendPostedEvents()
        QApplication.processEvents()

    @property
    def project(self) -> Any:
        """The open project."""
        return self.window.session.project

    def close(self) -> None:
        """Close the window and wait for its threads."""
        self.window.close()
        self._collector.stop()
        self.settings.close()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@contextmanager
def desk(place: Path) -> Iterator[Desk]:
    """A window that is closed in any case."""
    opened = Desk(place)
    try:
        yield opened
    finally:
        opened.close()


def waiting_s() -> float:
    """Seconds for which this thread was ready to run while others had the processors: the machine's noise, not ours."""
    name = f"/proc/self/task/{threading.get_native_id()}/schedstat"
    return int(Path(name).read_text().split()[1]) / 1e9
