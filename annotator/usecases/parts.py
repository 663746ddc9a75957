"""What every use-case works with: the open database, its writer lane, the folders of a project and who is working."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotator.store.database import Database
    from annotator.store.lane import WriteLane
    from annotator.store.lock import ProjectLock


@dataclass
class Parts:
    """An open project without its verbs.

    ``lock`` is None where another process holds it for this one. ``memory`` keeps what is costly to make (the pool of
    learning) between jobs of one process; whoever puts something there checks that it still fits.
    """

    folder: Path
    db: Database
    lane: WriteLane
    annotator: str
    lock: ProjectLock | None = None
    read_only: bool = False
    memory: dict[str, Any] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @property
    def cache(self) -> Path:
        """Everything that can be made again: thumbnails, embeddings, predictions, the queue."""
        return self.folder / "cache"

    @property
    def models(self) -> Path:
        """Trained heads."""
        return self.folder / "models"

    def close(self) -> None:
        """Write what waits in the lane, then let go of the database and the lock."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
        try:
            self.lane.close()
        finally:
            self.db.close()
            if self.lock is not None:
                self.lock.release()
