"""Embed the pictures: every readable image that has no vector yet, or whose file has changed, goes through the model once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import ImageState
from annotator.domain.records import ImageFilter
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext, WatchedContext
from annotator.learning.features import index_images
from annotator.media import decode
from annotator.models.protocols import LogitEmbedder, RGBImage
from annotator.usecases.image_view import ImageView
from annotator.usecases.parts import Parts
from annotator.usecases.results import IndexResult
from annotator.usecases.settings_view import STALE
from annotator.usecases.space import Space, choose_model, open_space, remember_model

Ids = NDArray[np.int64]

USABLE = frozenset({ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE, ImageState.SKIPPED})
READERS = 2


def index(
    parts: Parts,
    model_id: str | None,
    *,
    limit: int | None,
    device: str,
    context: JobContext,
    weights: Path | None = None,
) -> IndexResult:
    """Embed what is new under a model."""
    name, file = choose_model(parts, model_id, weights)
    space = open_space(parts, name, weights=file, device=device)
    remember_model(parts, name, file)
    return index_space(parts, space, usable_ids(parts, limit), context)


def usable_ids(parts: Parts, limit: int | None = None) -> Ids:
    """Ids of the images that can be shown to a model, ascending; the first ``limit`` of the queue when one is given."""
    if limit is None:
        with parts.db.read() as reader:
            return np.sort(reader.images.ids(ImageFilter(states=USABLE)))
    from annotator.usecases.queue_view import QueueView

    return np.sort(QueueView(parts).order()[:limit])


def index_space(parts: Parts, space: Space, ids: Ids, context: JobContext) -> IndexResult:
    """Embed those of ``ids`` that have no vector. Images that cannot be read are listed with their reason; the rest goes on."""
    started = time.monotonic()
    stale = 0 if parts.read_only else _forget_stale(parts, space, ids, context)
    view = ImageView(parts)
    wanted = ids[~space.store.have(ids)]
    items = [(image.id, view.path_of(image)) for image in view.many(wanted.tolist())]
    decoder = _Decoder(items, space.embedder.input_size, context)
    suspects = context.suspects if isinstance(context, WatchedContext) else frozenset()
    first = [item for item in items if item[0] in suspects]
    rest = [item for item in items if item[0] not in suspects]
    bad: list[tuple[int, str]] = []
    for part, workers, batch in ((first, 1, 1), (rest, READERS, 16)):
        if part:
            found = index_images(
                space.embedder, part, space.store, decode=decoder, context=context, workers=workers, batch_size=batch
            )
            bad.extend(found.bad)
    if bad and not parts.read_only:
        with parts.db.write("index") as writer:
            for image_id, _ in bad:
                writer.images.set_state(
                    [image_id], ImageState.UNREADABLE, decoder.reasons.get(image_id, "cannot be read")
                )
    embedded = len(items) - len(bad)
    rate = (embedded + stale) / max(time.monotonic() - started, 1e-6) if embedded + stale else 0.0
    return IndexResult(embedded + stale, len(ids) - len(wanted) - stale, rate, len(bad))


class _Decoder:
    """The ``decode`` callback of ``index_images``: keeps reasons, and says which pictures are in hand."""

    def __init__(self, items: Sequence[tuple[int, Path]], side: int, context: JobContext) -> None:
        self._ids = {path: image_id for image_id, path in items}
        self._side = side
        self._watch: Callable[[Sequence[int]], None] | None = (
            context.handling if isinstance(context, WatchedContext) else None
        )
        self._lock = threading.Lock()
        self._in_hand: set[int] = set()
        self.reasons: dict[int, str] = {}

    def __call__(self, path: Path) -> RGBImage:
        image_id = self._ids[path]
        self._mark(image_id, True)
        try:
            return decode(path, min_side=self._side).rgb()
        except AnnotatorError as error:
            self.reasons[image_id] = getattr(error, "reason", error.what)
            raise
        finally:
            self._mark(image_id, False)

    def _mark(self, image_id: int, in_hand: bool) -> None:
        if self._watch is None:
            return
        with self._lock:
            (self._in_hand.add if in_hand else self._in_hand.discard)(image_id)
            self._watch(sorted(self._in_hand))


def _forget_stale(parts: Parts, space: Space, ids: Ids, context: JobContext) -> int:
    """Embed images again whose file has changed since; returns how many."""
    with parts.db.read() as reader:
        stale = set(reader.settings.get(STALE, []))
    again = np.asarray(sorted(stale & set(ids.tolist())), np.int64)
    again = again[space.store.have(again)] if len(again) else again
    view, done = ImageView(parts), 0
    for image in view.many(again.tolist()):
        context.check_cancelled()
        try:
            picture = decode(view.path_of(image), min_side=space.embedder.input_size).rgb()
        except AnnotatorError as error:
            with parts.db.write("index") as writer:
                writer.images.set_state([image.id], ImageState.UNREADABLE, getattr(error, "reason", error.what))
            continue
        only = np.asarray([image.id], np.int64)
        if space.store.n_logits:
            embedder: LogitEmbedder = space.model
            space.store.append(only, *embedder.embed_with_logits([picture]))
        else:
            space.store.append(only, space.embedder.embed([picture]))
        done += 1
    if stale:
        with parts.db.write("index") as writer:
            writer.settings.set(STALE, sorted(set(writer.settings.get(STALE, [])) - stale))
    return done
