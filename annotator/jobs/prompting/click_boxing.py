"""Clicks to boxes in the interactive engine: what drawn boxes teach is kept box by box, so that one more costs little."""

from __future__ import annotations

from pathlib import Path

from annotator.domain.geometry import Box
from annotator.errors import AnnotatorError, ModelError
from annotator.jobs.prompting.messages import Boxed, FindBox, PictureFile
from annotator.learning.click_boxes import ClickBoxes, Lesson, Scene, fit, lesson_of
from annotator.media import decode
from annotator.models.embedded.encoder import EmbeddedImageEncoder
from annotator.usecases.mask_suggest import load_segmenter

MOST_LESSONS = 200


class ClickBoxing:
    """Uses the embedded models, whatever serves the smart tool."""

    def __init__(self) -> None:
        self._encoder: EmbeddedImageEncoder | None = None
        self._scene: tuple[PictureFile, Scene] | None = None
        self._lessons: dict[tuple[PictureFile, Box], Lesson] = {}
        self._learned: tuple[tuple[Boxed, ...], ClickBoxes] | None = None

    def find(self, asked: FindBox) -> Box:
        """The box around what lies under a click, as the examples are drawn. Raises ``ImageError`` for an unreadable picture."""
        if not (0 <= asked.x < asked.picture.width and 0 <= asked.y < asked.picture.height):
            raise ModelError("This place lies outside of the picture.", "Click on the thing itself.")
        learned = self._learn(asked.examples)
        return learned.box(self._look(asked.picture), asked.x, asked.y)

    def _learn(self, examples: tuple[Boxed, ...]) -> ClickBoxes:
        if self._learned is None or self._learned[0] != examples:
            lessons = [lesson for boxed in examples for lesson in self._of_picture(boxed)]
            self._learned = examples, fit(lessons)
        return self._learned[1]

    def _of_picture(self, boxed: Boxed) -> list[Lesson]:
        lessons: list[Lesson] = []
        for corners in boxed.boxes:
            box = Box(*corners)
            key = boxed.picture, box
            if key not in self._lessons:
                try:
                    self._lessons[key] = lesson_of(self._look(boxed.picture), box)
                except AnnotatorError:
                    # A picture that is missing teaches nothing; the others still do.
                    return lessons
            lessons.append(self._lessons[key])
        while len(self._lessons) > MOST_LESSONS:
            del self._lessons[next(iter(self._lessons))]
        return lessons

    def _look(self, picture: PictureFile) -> Scene:
        if self._scene is None or self._scene[0] != picture:
            self._encoder = self._encoder or EmbeddedImageEncoder()
            self._scene = picture, Scene(decode(Path(picture.path)).rgb(), self._encoder, load_segmenter())
        return self._scene[1]
