"""The application: the window is on screen before anything heavy is imported; what goes wrong is told and logged.

The garbage collector runs only on the GUI thread, from a timer: a QObject that a worker's collection finalizes would be
destroyed on the wrong thread.
"""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from annotator.settings import AppSettings
from ui.theme import theme

if TYPE_CHECKING:
    from ui.main_window import MainWindow

log = logging.getLogger(__name__)

COLLECT_MS = 4_000
MANY = 50_000
"""Above this number of new containers a collection would be felt."""
MORE_MODULES = 40


class Collector(QObject):
    """Collects garbage on the GUI thread: the young often, the old when they have grown.

    A full collection looks at every object, code included, which takes longer than a frame. So what an import leaves, and what
    comes in by the ten thousand (a job's rows, the outlines of an image), is set aside unseen: it goes by its reference counts.
    Closing a project takes it all back and collects, when nobody waits for a frame.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._modules = 0
        self._was_automatic = False
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """Take over from the automatic collection, where that is on."""
        self._was_automatic = gc.isenabled()
        gc.disable()
        self._set_aside()
        self._timer.start()

    def stop(self) -> None:
        """Give it back, if it was on."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_automatic:
            gc.enable()

    def collect(self) -> None:
        """Collect the generations that are due."""
        young, middle, old = gc.get_count()
        limits = gc.get_threshold()
        if young > MANY or len(sys.modules) >= self._modules + MORE_MODULES:
            self._set_aside()
        else:
            gc.collect(2 if old > limits[2] else 1 if middle > limits[1] or young > 0 else 0)

    def collect_all(self) -> None:
        """Collect everything, what was set aside too."""
        gc.unfreeze()
        gc.collect()
        self._set_aside()

    def _set_aside(self) -> None:
        self._modules = len(sys.modules)
        gc.freeze()


class Excepthook(QObject):
    """An exception that nobody caught: a traceback in the log, one line on the screen, and the window goes on."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._before = sys.excepthook

    def install(self) -> None:
        """Hear of uncaught exceptions from now on."""
        sys.excepthook = self.handle

    def remove(self) -> None:
        """Hear of them no more."""
        sys.excepthook = self._before

    def handle(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log it and tell it."""
        if issubclass(kind, KeyboardInterrupt):
            self._before(kind, error, trace)
            return
        log.critical("uncaught exception\n%s", "".join(traceback.format_exception(kind, error, trace)))
        what = getattr(error, "what", None)
        self._window.toasts.error(
            what or self.tr("Something went wrong: {0}").format(error),
            getattr(error, "cure", "") if what else self.tr("Your saved work is safe. The log has the details."),
        )


SWITCH_S = 0.0005
"""Painting and reading give the interpreter away at almost every call, and wait so long each time while a job's threads work."""


def application(arguments: list[str] | None = None) -> QApplication:
    """The one QApplication, dressed."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(arguments or sys.argv[:1])
    app.setApplicationName("annotator")
    app.setApplicationDisplayName("Annotator")
    sys.setswitchinterval(SWITCH_S)
    return app


def main_window(settings: AppSettings) -> MainWindow:
    """A window in the chosen theme, not shown yet."""
    from ui.main_window import MainWindow

    app = application()
    theme().install(app, settings.state.theme)
    return MainWindow(settings)


def run(path: Path | str | None = None, *, demo: bool = False) -> int:
    """Open the window, on ``path`` (a folder of images or a project) or on the demo, and run until it is closed."""
    app = application()
    settings = AppSettings()
    window = main_window(settings)
    hook = Excepthook(window)
    hook.install()
    collector = Collector()
    collector.start()
    window.session.closed.connect(collector.collect_all)
    window.show()
    opener = _Opener(window, None if path is None else Path(path), demo)
    QTimer.singleShot(0, opener, opener.open)
    try:
        return app.exec()
    finally:
        collector.stop()
        hook.remove()
        settings.close()


class _Opener(QObject):
    """Opens what the command line named, after the first paint."""

    def __init__(self, window: MainWindow, path: Path | None, demo: bool) -> None:
        super().__init__(window)
        self._window = window
        self._path = path
        self._demo = demo

    def open(self) -> None:
        """Now that the window is on screen."""
        if self._demo:
            self._window.projects.open_demo()
        elif self._path is not None:
            self._window.open_path(self._path)
        else:
            self._window.projects.warm_up()
