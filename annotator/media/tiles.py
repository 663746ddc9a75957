"""Tiles of one pyramid in memory: what is on screen first, then what lies around it, never more than a number of bytes.

Media room; plain threads and callbacks, no Qt. Each request replaces the one before, so that a fast pan loads what is seen now
and not what was passed. Coarse levels that are missing are built by a thread of their own and told of as they grow.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from annotator.media.pyramid import Pyramid

MAX_BYTES: Final = 256 << 20
THREADS: Final = min(max((os.cpu_count() or 2) - 1, 1), 4)
"""Loader threads: one processor is left to whoever draws."""
_log = logging.getLogger(__name__)
Window: TypeAlias = tuple[float, float] | None
TileKey: TypeAlias = tuple[int, int, int]
"""Level, row, column."""
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """The levels are known; tiles may be asked for."""

    pyramid: Pyramid


@dataclass(frozen=True, slots=True)
class Arrived:
    """A tile is there."""

    key: TileKey


@dataclass(frozen=True, slots=True)
class Grown:
    """Tiles of built levels in a rectangle (x1, y1, x2, y2 in image pixels) show more than they did, if asked for again."""

    area: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """Opening, building, or a tile failed; an ``ImageError``, or a bug."""

    error: Exception


Event: TypeAlias = Opened | Arrived | Grown | Failed


class TileCache(Generic[Made]):
    """Opens a pyramid and serves its tiles. ``close`` it; every event comes on a thread of the cache."""

    def __init__(
        self,
        path: Path,
        folder: Path | None,
        finish: Callable[[NDArray[np.uint8]], Made],
        on_event: Callable[[Event], None],
        *,
        max_bytes: int = MAX_BYTES,
        window: Window = None,
    ) -> None:
        """``finish`` makes of a tile's pixels what ``get`` returns, on a loader thread; it must keep their size in memory or less
        than a third more. ``on_event`` must return at once."""
        self.max_bytes = max_bytes
        self._path, self._folder = path, folder
        self._finish, self._on_event = finish, on_event
        self._window = window
        self._pyramid: Pyramid | None = None
        self._changed = threading.Condition()
        self._tiles: OrderedDict[TileKey, tuple[Made, int]] = OrderedDict()
        self._bytes = 0
        self._wanted: deque[TileKey] = deque()
        self._loading: set[TileKey] = set()
        self._stale: set[TileKey] = set()
        self._refused: set[TileKey] = set()
        self._generation = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._begin, name="tiles-0", daemon=True)]
        self._threads[0].start()

    def get(self, key: TileKey) -> Made | None:
        """The tile, if it is in memory."""
        with self._changed:
            found = self._tiles.get(key)
            if found is None:
                return None
            self._tiles.move_to_end(key)
            return found[0]

    def want(self, keys: Iterable[TileKey]) -> None:
        """Load those that are not there, in this order; forget what was wanted before."""
        with self._changed:
            self._wanted = deque(
                k for k in keys if k not in self._refused and (k not in self._tiles or k in self._stale)
            )
            self._changed.notify_all()

    def set_window(self, window: Window) -> None:
        """Show other values of a deep image; every tile is made anew when it is wanted again."""
        with self._changed:
            self._window = window
            self._forget_all()

    def _forget_all(self) -> None:
        self._generation += 1
        self._tiles.clear()
        self._stale.clear()
        self._bytes = 0

    def close(self, *, wait: bool = True) -> None:
        """Stop and free the memory; nothing is told afterwards. Without ``wait`` the threads end by themselves, soon."""
        with self._changed:
            self._closed = True
            self._wanted.clear()
            self._forget_all()
            self._changed.notify_all()
        for thread in self._threads if wait else ():
            if thread is not threading.current_thread():
                thread.join()

    def _begin(self) -> None:
        """Opens, starts the others, then loads as they do; the last one to leave closes the file."""
        try:
            pyramid = Pyramid.open(self._path, self._folder)
        except Exception as error:  # noqa: BLE001 - the end of a thread: whatever it is must reach the screen
            self._tell(Failed(error))
            return
        workers = [threading.Thread(target=self._work, name=f"tiles-{n}", daemon=True) for n in range(1, THREADS)]
        if pyramid.needs_build:
            workers.append(threading.Thread(target=self._build, name="tiles-build", daemon=True))
        with self._changed:
            self._pyramid = pyramid
            self._threads += workers
        self._tell(Opened(pyramid))
        for worker in workers:
            worker.start()
        self._work()
        for worker in workers:
            worker.join()
        pyramid.close()

    def _build(self) -> None:
        assert self._pyramid is not None
        try:
            if self._pyramid.build(self._give_way, self._grown):
                self._grown((0, 0, self._pyramid.width, self._pyramid.height))
        except Exception as error:  # noqa: BLE001 - as above
            self._tell(Failed(error))

    def _give_way(self) -> bool:
        """What is on screen comes first; whether to stop."""
        with self._changed:
            while self._wanted and not self._closed:
                self._changed.wait(0.05)
            return self._closed

    def _grown(self, area: tuple[int, int, int, int]) -> None:
        """Tiles of built levels that were made before are shown until they have been made again."""
        assert self._pyramid is not None
        with self._changed:
            for key in self._tiles.keys() | self._loading:
                if not self._pyramid.can_make(key[0]) and _overlap(self._pyramid, key, area):
                    self._stale.add(key)
            self._refused.clear()
        self._tell(Grown(area))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._wanted:
                    self._changed.wait()
                if self._closed:
                    return
                key = self._wanted.popleft()
                if key in self._loading or (key in self._tiles and key not in self._stale):
                    continue
                self._loading.add(key)
                self._stale.discard(key)
                window, generation = self._window, self._generation
            self._load(key, window, generation)

    def _load(self, key: TileKey, window: Window, generation: int) -> None:
        assert self._pyramid is not None
        made: tuple[Made, int] | None = None
        try:
            pixels = self._pyramid.tile(*key, window)
            if pixels is not None:
                made = self._finish(pixels), pixels.nbytes * 4 // pixels.shape[2]
        except Exception as error:  # noqa: BLE001 - as above
            self._tell(Failed(error))
        with self._changed:
            self._loading.discard(key)
            if self._closed or generation != self._generation:
                return
            if made is None:
                self._refused.add(key)
                return
            self._keep(key, made)
        self._tell(Arrived(key))

    def _keep(self, key: TileKey, made: tuple[Made, int]) -> None:
        old = self._tiles.pop(key, None)
        self._tiles[key] = made
        self._bytes += made[1] - (old[1] if old is not None else 0)
        while self._bytes > self.max_bytes and len(self._tiles) > 1:
            self._bytes -= self._tiles.popitem(last=False)[1][1]

    def _tell(self, event: Event) -> None:
        if not self._closed:
            self._on_event(event)


def _overlap(pyramid: Pyramid, key: TileKey, area: tuple[int, int, int, int]) -> bool:
    x1, y1, x2, y2 = pyramid.area_of(*key)
    return x1 < area[2] and x2 > area[0] and y1 < area[3] and y2 > area[1]
