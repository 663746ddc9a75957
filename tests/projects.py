"""Small projects for tests: images that exist only as rows, labels of one exclusive group and some suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from annotator.domain.geometry import Box, Geometry, Tag
from annotator.domain.kinds import Task
from annotator.domain.records import Label, Suggestion, new_id
from annotator.edits import Vocabulary
from annotator.store import Database, NewImage

IMAGES = (1, 2, 3)
TAGS = (1, 2, 3)
THINGS = (4, 5)


def suggestion(
    image: int, label: int, geometry: Geometry, confidence: float = 0.8, run: int = 1, others: Sequence[int] = ()
) -> Suggestion:
    """An open suggestion of ``label``, with the rest of the probability on ``others``."""
    rest = tuple((other, (1 - confidence) / len(others)) for other in others)
    is_tag = isinstance(geometry, Tag)
    return Suggestion(
        new_id(), run, image, geometry, ((label, confidence), *rest), confidence, confidence,
        task=Task.TAGS if is_tag else Task.BOXES, group_id=1 if is_tag else None,
    )  # fmt: skip


def make_project(folder: Path) -> Database:
    """Three images; labels 1 to 3 are exclusive tags, 4 and 5 are things; each image has one suggested tag and two boxes."""
    database = Database.create(folder)
    with database.write("test") as writer:
        root = writer.images.add_root("/pictures")
        writer.images.add_many(NewImage(f"photo {i}.jpg", root, width=640, height=480) for i in IMAGES)
        things = writer.labels.add_group("things", exclusive=False)
        for position, name in enumerate(("cat", "dog", "bird", "wheel", "door")):
            writer.labels.add(Label(0, name, "#4E9BFF", position, group_id=1 if position < 3 else things))
        run = writer.runs.start(Task.TAGS, "test", "1")
        for image in IMAGES:
            writer.suggestions.add_many(
                [
                    suggestion(image, 1, Tag(), 0.6, run, (2, 3)),
                    suggestion(image, 4, Box(10, 10, 60, 60), 0.9, run),
                    suggestion(image, 5, Box(100, 100, 200, 150), 0.7, run),
                ]
            )
    return database


def vocabulary(database: Database) -> Vocabulary:
    """The labels as builders need them."""
    with database.read() as reader:
        return Vocabulary.of(reader.labels.all(), reader.labels.groups())
