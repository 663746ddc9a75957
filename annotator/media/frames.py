"""Decoded pictures in memory: the current image first, its neighbours ahead of time, never more than a number of bytes.

Media room; plain threads and callbacks, no Qt. One loader thread serves only the current image, the others also prefetch, so
that a click on a far image never waits behind neighbours; nothing new is prefetched until that image is there. A large JPEG is
delivered coarse (1/8) first, then at the wanted size, then, if asked for, in full. A request that has been replaced stops before
its next stage and is never delivered.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, TypeAlias

from annotator.media.pictures import Picture, decode, probe
from annotator.media.precedence import ON_SCREEN

_COARSE_PIXELS: Final = 3_000_000  # below this a JPEG is sharp in the time that a coarse frame would take
_COARSE_STEP: Final = 8
_log = logging.getLogger(__name__)

Window: TypeAlias = tuple[float, float] | None
_Key: TypeAlias = tuple[Path, int, Window]  # side 0 is full resolution


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One delivery for the current image: a picture or an error (an ``ImageError``, or a bug). ``final`` is the last one."""

    path: Path
    picture: Picture | None
    error: Exception | None
    final: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    path: Path
    side: int
    window: Window
    full: bool
    on_frame: Callable[[Frame], None]


class FrameCache:
    """Byte-limited, least recently used first out. Use as a context manager or call ``close``."""

    def __init__(
        self, max_bytes: int = 512 << 20, *, threads: int = 2, loader: Callable[..., Picture] = decode
    ) -> None:
        """``threads`` ≥ 2; ``loader(path, max_side=, window=)`` is replaced in tests."""
        if threads < 2:
            raise ValueError(f"needs a thread for the current image and one to prefetch, got {threads}")
        self.max_bytes = max_bytes
        self._loader = loader
        self._count = threads
        self._threads: list[threading.Thread] = []
        # Re-entrant: a callback, which runs under it so that a replaced request cannot be delivered, may call get().
        self._changed = threading.Condition(threading.RLock())
        self._pictures: OrderedDict[_Key, Picture] = OrderedDict()
        self._bytes = 0
        self._current: _Request | None = None
        self._waiting: _Request | None = None
        self._unfinished: _Request | None = None  # the current image while it is not there
        self._ahead: deque[_Key] = deque()
        self._loading: set[_Key] = set()
        self._closed = False

    def __enter__(self) -> FrameCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def nbytes(self) -> int:
        """Bytes of pixels held."""
        return self._bytes

    def get(
        self,
        path: Path,
        max_side: int | None = None,
        on_frame: Callable[[Frame], None] | None = None,
        *,
        window: Window = None,
        full: bool = False,
    ) -> Picture | None:
        """The best picture of ``path`` in memory now, perhaps coarser than wanted (see ``Picture.scale``), or None.

        With ``on_frame`` this becomes the current image: unless the returned picture already is what is wanted, better ones
        follow through ``on_frame``, from a loader thread, ending with a final frame. ``full`` asks for full resolution after
        ``max_side``. ``on_frame`` must return at once and must not wait for another thread.
        """
        with self._changed:
            if self._closed:
                return None
            side = max_side or 0
            found = self._best(path, side, window)
            if on_frame is not None:
                request = _Request(path, side, window, full, on_frame)
                done = self._ready((path, 0 if full else side, window)) is not None
                self._current = request
                self._waiting = None if done else request
                self._await(self._waiting)
                if not done:
                    self._start()
                    self._changed.notify_all()
            return found

    def prefetch(self, paths: Iterable[Path], max_side: int | None = None, *, window: Window = None) -> None:
        """Load these in order when nothing is more urgent; replaces the list of the last call."""
        with self._changed:
            if self._closed:
                return
            self._ahead = deque((path, max_side or 0, window) for path in paths)
            if self._ahead:
                self._start()
                self._changed.notify_all()

    def cancel(self) -> None:
        """Nothing is current or wanted ahead any more; what is being decoded is kept but not delivered."""
        with self._changed:
            self._current = self._waiting = None
            self._ahead.clear()
            self._await(None)

    def forget(self, path: Path | None = None) -> None:
        """Drop the pictures of a file that has changed, or all of them."""
        with self._changed:
            for key in [key for key in self._pictures if path is None or key[0] == path]:
                self._bytes -= self._pictures.pop(key).nbytes

    def close(self) -> None:
        """Stop the threads and free the memory. After it nothing is delivered. Safe to call twice."""
        with self._changed:
            self._closed = True
            self.cancel()
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._threads.clear()
        self.forget()

    def _start(self) -> None:
        if not self._threads:
            for number in range(self._count):
                name = f"frames-{number}"
                self._threads.append(threading.Thread(target=self._work, args=(number == 0,), name=name, daemon=True))
                self._threads[-1].start()

    def _await(self, request: _Request | None) -> None:
        """Prefetching here, and all that gives way elsewhere, rests while a request is unfinished."""
        before, self._unfinished = self._unfinished, request
        if before is None and request is not None:
            ON_SCREEN.begin()
        elif before is not None and request is None:
            ON_SCREEN.end()
            self._changed.notify_all()

    def _ready(self, key: _Key) -> Picture | None:
        """A picture that is as good as ``key`` asks for."""
        path, side, window = key
        for (other, other_side, other_window), picture in self._pictures.items():
            if other == path and other_window == window:
                enough = other_side == side or other_side == 0 or (side and other_side >= side)
                if enough or picture.scale >= 1:
                    return picture
        return None

    def _best(self, path: Path, side: int, window: Window) -> Picture | None:
        found = self._ready((path, side, window))
        if found is None:
            same = [p for (other, _, shown), p in self._pictures.items() if other == path and shown == window]
            found = max(same, key=lambda picture: picture.scale, default=None)
        for key, picture in self._pictures.items():
            if picture is found:
                self._pictures.move_to_end(key)
                break
        return found

    def _keep(self, key: _Key, picture: Picture) -> None:
        old = self._pictures.pop(key, None)
        self._bytes += picture.nbytes - (old.nbytes if old is not None else 0)
        self._pictures[key] = picture
        shown = self._current.path if self._current is not None else None
        for other in [k for k in self._pictures if k[0] != shown]:
            if self._bytes <= self.max_bytes:
                return
            self._bytes -= self._pictures.pop(other).nbytes
        if self._bytes > self.max_bytes and key in self._pictures:  # larger than the whole cache: shown, not kept
            self._bytes -= self._pictures.pop(key).nbytes

    def _work(self, only_current: bool) -> None:
        while True:
            with self._changed:
                while not self._closed and self._waiting is None and (only_current or not self._may_prefetch):
                    self._changed.wait()
                if self._closed:
                    return
                request, self._waiting = self._waiting, None
                key = None if request is not None else self._ahead.popleft()
            if request is not None:
                self._serve(request)
            elif key is not None:
                self._load_ahead(key)

    @property
    def _may_prefetch(self) -> bool:
        return bool(self._ahead) and self._unfinished is None

    def _serve(self, request: _Request) -> None:
        """All stages of the current image, each only while it still is the current one."""
        try:
            self._serve_stages(request)
        finally:
            with self._changed:
                if self._unfinished is request:
                    self._await(None)

    def _serve_stages(self, request: _Request) -> None:
        try:
            stages = self._stages(request)
            for number, side in enumerate(stages):
                picture = self._load((request.path, side, request.window), request)
                if picture is None:
                    return
                self._deliver(request, Frame(request.path, picture, None, number == len(stages) - 1))
        except Exception as error:  # noqa: BLE001 - the end of a thread: whatever it is must reach the screen
            self._deliver(request, Frame(request.path, None, error, True))

    def _stages(self, request: _Request) -> list[int]:
        stages = [0] if request.full else [request.side]
        with self._changed:
            nothing = self._best(request.path, request.side, request.window) is None
            if request.full and request.side and self._ready((request.path, request.side, request.window)) is None:
                stages.insert(0, request.side)
        if nothing and (info := probe(request.path)).format == "jpeg" and info.width * info.height > _COARSE_PIXELS:
            coarse = max(info.width, info.height) // _COARSE_STEP
            if not stages[0] or coarse * 2 <= stages[0]:
                stages.insert(0, coarse)
        return stages

    def _load(self, key: _Key, request: _Request | None) -> Picture | None:
        """The picture of ``key``, from memory, from a thread that is already at it, or decoded; None when stale."""
        with self._changed:
            while key in self._loading and not self._closed:
                self._changed.wait()
            if self._closed or (request is not None and request is not self._current):
                return None
            found = self._ready(key)
            if found is not None:
                return found
            self._loading.add(key)
        path, side, window = key
        try:
            picture = self._loader(path, max_side=side or None, window=window)
            with self._changed:
                if not self._closed:
                    self._keep(key, picture)
            return picture
        finally:
            with self._changed:
                self._loading.discard(key)
                self._changed.notify_all()

    def _load_ahead(self, key: _Key) -> None:
        try:
            self._load(key, None)
        except Exception as error:  # noqa: BLE001 - told when the image is shown; until then only the log cares
            _log.debug("prefetch of %s failed: %s", ascii(key[0]), error)

    def _deliver(self, request: _Request, frame: Frame) -> None:
        with self._changed:
            if request is self._current and not self._closed:
                request.on_frame(frame)
