"""What every use-case works with: the open database, its writer lane, the folders of a project and who is working."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from annotator.events import ChangeSet

if TYPE_CHECKING:
    from annotator.store import Database, ProjectLock, WriteLane

Listener = Callable[[ChangeSet], None]


@dataclass
class Parts:
    """An open project without its verbs. ``lock`` is None where another process holds it for this one."""

    folder: Path
    db: Database
    lane: WriteLane
    annotator: str
    lock: ProjectLock | None = None
    read_only: bool = False
    _listeners: list[Listener] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._unsubscribe = self.db.subscribe(self.publish)

    @property
    def cache(self) -> Path:
        """Everything that can be made again: thumbnails, embeddings, predictions, the queue."""
        return self.folder / "cache"

    @property
    def models(self) -> Path:
        """Trained heads."""
        return self.folder / "models"

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Call ``callback`` with every change, this process's and those told by ``publish``; returns the way to end it."""
        with self._guard:
            self._listeners.append(callback)

        def end() -> None:
            with self._guard:
                if callback in self._listeners:
                    self._listeners.remove(callback)

        return end

    def publish(self, changes: ChangeSet) -> None:
        """Hand ``changes`` to all subscribers, on this thread."""
        with self._guard:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(changes)

    def close(self) -> None:
        """Write what waits in the lane, then let go of the database and the lock."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        try:
            self.lane.close()
        finally:
            self._unsubscribe()
            self.db.close()
            if self.lock is not None:
                self.lock.release()
