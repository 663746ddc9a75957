"""A small open project with a history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from annotator.domain.page import Page
from annotator.edits import Edit, History, Vocabulary
from annotator.store import Database, WriteLane
from tests.projects import make_project, vocabulary

ME = "ada"


@dataclass
class Work:
    """What a test of edits needs."""

    database: Database
    lane: WriteLane
    history: History
    words: Vocabulary
    failures: list[tuple[Edit, BaseException]] = field(default_factory=list)

    def do(self, edit: Edit) -> Page:
        """Perform an edit, wait until it is saved, and return the first image's page."""
        self.history.perform(edit).future.result(60)
        return self.page()

    def page(self, image_id: int = 1) -> Page:
        return self.history.page(image_id)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    database = make_project(tmp_path / "p")
    lane = WriteLane(database)
    failures: list[tuple[Edit, BaseException]] = []
    history = History(database, lane, ME, lambda edit, error: failures.append((edit, error)))
    yield Work(database, lane, history, vocabulary(database), failures)
    lane.close()
    database.close()
