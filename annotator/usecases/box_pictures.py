"""The pictures that a detector looks at: decoded no larger than needed, the last ones kept in a bounded amount of memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from annotator.domain.kinds import ImageState
from annotator.domain.records import Image
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext, WatchedContext
from annotator.learning.detection.augment import SCALES
from annotator.learning.detection.views import Canvas, views_of
from annotator.media import decode
from annotator.models.protocols import RGBImage
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts

LIMIT = 300 << 20
READERS = 2
AHEAD = 8


@dataclass(frozen=True)
class Opened:
    """``pixels`` (h, w, 3) uint8 RGB are ``scale`` of the oriented image's ``width`` × ``height``."""

    pixels: RGBImage
    scale: float
    width: int
    height: int


class Pictures:
    """Opens images of a project. What cannot be read is set aside with its reason, and is None."""

    def __init__(self, parts: Parts, context: JobContext) -> None:
        self._parts = parts
        self._view = ImageView(parts)
        self._context = context
        self._kept: OrderedDict[tuple[int, float], Opened] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._in_hand: set[int] = set()
        self.bad: dict[int, str] = {}

    def images(self, ids: Sequence[int]) -> list[Image]:
        """The records of images."""
        return self._view.many(ids)

    def open(self, image: Image, canvas: Canvas, scale: float = 0.0, closer: float = SCALES[1]) -> Opened | None:
        """A picture sharp enough for its views at ``scale``, seen ``closer`` times nearer."""
        key = (image.id, scale)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        opened = self._read(image, canvas, scale, closer)
        if opened is not None:
            self._kept[key] = opened
            self._bytes += opened.pixels.nbytes
            while self._bytes > LIMIT and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].pixels.nbytes
        return opened

    def stream(
        self, images: Sequence[Image], canvas: Canvas, scale: float = 0.0
    ) -> Iterator[tuple[Image, Opened | None]]:
        """Pictures in order, the next ones read in threads while the caller works; nothing is kept."""
        yield from self._ahead(images, lambda image: self._read(image, canvas, scale, 1.0))

    def whole(self, images: Sequence[Image], side: int) -> Iterator[tuple[Image, Opened | None]]:
        """The same for a model with an input of ``side`` pixels."""
        yield from self._ahead(images, lambda image: self._decode(image, side))

    def _ahead(
        self, images: Sequence[Image], read: Callable[[Image], Opened | None]
    ) -> Iterator[tuple[Image, Opened | None]]:
        """Images that an engine died of before come first and one by one, so that a second death names the one."""
        suspects = self._context.suspects if isinstance(self._context, WatchedContext) else frozenset()
        for image in images:
            if image.id in suspects:
                yield image, read(image)
        waiting: deque[tuple[Image, Future[Opened | None]]] = deque()
        with ThreadPoolExecutor(READERS, thread_name_prefix="decode") as threads:
            try:
                for image in images:
                    if image.id not in suspects:
                        waiting.append((image, threads.submit(read, image)))
                    if len(waiting) > AHEAD:
                        first, future = waiting.popleft()
                        yield first, future.result()
                for first, future in waiting:
                    yield first, future.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def set_aside(self) -> int:
        """Write down which images could not be read; returns how many."""
        if self.bad and not self._parts.read_only:
            with self._parts.db.write("suggest") as writer:
                for image_id, reason in self.bad.items():
                    writer.images.set_state([image_id], ImageState.UNREADABLE, reason)
        return len(self.bad)

    def _read(self, image: Image, canvas: Canvas, scale: float, closer: float) -> Opened | None:
        width, height = image.width or canvas.width, image.height or canvas.height
        finest = max(view.scale for view in views_of(width, height, canvas, scale)) * closer
        opened = self._decode(image, max(32, math.ceil(min(width, height) * finest)))
        if opened is None or opened.scale <= 1.1 * finest:
            return opened
        size = max(1, round(opened.width * finest)), max(1, round(opened.height * finest))
        small = np.asarray(cv2.resize(opened.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        return Opened(small, size[0] / opened.width, opened.width, opened.height)

    def _decode(self, image: Image, side: int) -> Opened | None:
        self._mark(image.id, True)
        try:
            picture = decode(self._view.path_of(image), min_side=side)
        except AnnotatorError as error:
            self.bad[image.id] = getattr(error, "reason", error.what)
            self._context.log(f"{image.uri}: {error.what}")
            return None
        finally:
            self._mark(image.id, False)
        return Opened(picture.rgb(), picture.scale, picture.full_width, picture.full_height)

    def _mark(self, image_id: int, in_hand: bool) -> None:
        if isinstance(self._context, WatchedContext):
            with self._lock:
                (self._in_hand.add if in_hand else self._in_hand.discard)(image_id)
                self._context.handling(sorted(self._in_hand))
