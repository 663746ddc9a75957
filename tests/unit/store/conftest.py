"""A small project for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.domain.records import Label
from annotator.store import Database, NewImage


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Five images in one folder and three labels of one exclusive group."""
    with Database.create(tmp_path / "small.annotator") as database:
        with database.write("test") as writer:
            root = writer.images.add_root("/pictures")
            writer.images.add_many(NewImage(f"photo {i}.jpg", root, width=640, height=480) for i in range(5))
            for position, name in enumerate(("cat", "dog", "bird")):
                writer.labels.add(Label(0, name, "#4E9BFF", position, group_id=1))
        yield database
