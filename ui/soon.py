"""Work that follows changes, done once a little later: counts and thumbnails need not hold up the edit that changes them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

DELAY_MS = 60


class Soon(QObject):
    """Calls a bound method of a QObject once, ``delay_ms`` after the first of several requests."""

    def __init__(self, action: Callable[[], None], parent: QObject, delay_ms: int = DELAY_MS) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(action)

    def ask(self, what: object = None) -> None:
        """Do it soon. Asked again before that, it is done once: a stream of changes cannot put it off for ever."""
        if not self._timer.isActive():
            self._timer.start()

    def forget(self) -> None:
        """Do it no more."""
        self._timer.stop()
