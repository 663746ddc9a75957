"""Builders of edits of images: done, skipped, flagged, noted, split. Each takes many, so that a selection is one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from annotator.domain.kinds import ImageState, Split, Task
from annotator.domain.page import Page
from annotator.domain.records import Image
from annotator.edits.changes import Edit, ImageChange

_NOT_A_PERSONS = (ImageState.MISSING, ImageState.UNREADABLE)


def mark_done(pages: Iterable[Page], task: Task, done: bool = True, *, annotator: str) -> Edit:
    """Images are complete for a task, or not after all. Without any task left, a done image is in progress again."""
    changes = []
    for page in pages:
        tasks = page.done | {task} if done else page.done - {task}
        state = page.image.state
        if state not in _NOT_A_PERSONS:
            state = ImageState.DONE if tasks else ImageState.IN_PROGRESS if state is ImageState.DONE else state
        if tasks != page.done or state is not page.image.state:
            changes.append(ImageChange(page.image, replace(page.image, state=state), page.done, tasks))
    return _edit("Mark as done" if done else "Mark as not done", changes, annotator)


def skip(images: Iterable[Image], skipped: bool = True, *, annotator: str) -> Edit:
    """Images are passed over, or taken back into the queue."""
    state = ImageState.SKIPPED if skipped else ImageState.IN_PROGRESS
    title = "Skip" if skipped else "Take back into the queue"
    return _set(title, (i for i in images if i.state not in _NOT_A_PERSONS), {"state": state}, annotator)


def flag(images: Iterable[Image], flagged: bool = True, *, annotator: str) -> Edit:
    """Images get a flag, or lose it."""
    return _set("Flag" if flagged else "Remove flag", images, {"flagged": flagged}, annotator)


def note(image: Image, text: str, *, annotator: str) -> Edit:
    """The note on an image."""
    return _set("Change note", (image,), {"note": text}, annotator)


def set_split(images: Iterable[Image], split: Split | None, *, annotator: str) -> Edit:
    """The part of the dataset that images belong to."""
    return _set(f"Move to {split.value}" if split else "Remove from split", images, {"split": split}, annotator)


def divide(images: Iterable[Image], splits: Mapping[int, Split], *, annotator: str) -> Edit:
    """Images go to the splits that ``splits`` names by image id."""
    pairs = ((image, replace(image, split=splits[image.id])) for image in images)
    return _edit("Divide into splits", [ImageChange(old, new) for old, new in pairs if old != new], annotator)


def _set(title: str, images: Iterable[Image], values: dict[str, Any], annotator: str) -> Edit:
    pairs = ((image, replace(image, **values)) for image in images)
    return _edit(title, [ImageChange(old, new) for old, new in pairs if old != new], annotator)


def _edit(title: str, changes: list[ImageChange], annotator: str) -> Edit:
    if len(changes) > 1:
        title = f"{title} ({len(changes)} images)"
    image_id = changes[0].image_id if len(changes) == 1 else None
    return Edit(title, image_id, tuple(changes), annotator)
