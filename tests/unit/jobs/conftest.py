"""An engine over a small project, and everything that it said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from annotator.events import ChangeSet
from annotator.jobs.engine import Engine
from annotator.jobs.events import JobEvent
from annotator.project import Project
from tests.unit.jobs.engine_jobs import JOBS
from tests.unit.project.conftest import COLORS, draw

PICTURES = 12


@dataclass
class Heard:
    """Events and changes in the order in which they came."""

    events: list[JobEvent] = field(default_factory=list)
    changes: list[ChangeSet] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def event(self, event: JobEvent) -> None:
        with self.arrived:
            self.events.append(event)
            self.arrived.notify_all()

    def of(self, kind: type[Any], job_id: int | None = None) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind) and (job_id is None or e.job_id == job_id)]

    def wait_for(self, kind: type[Any], seconds: float = 30.0) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.of(kind), seconds), f"no {kind.__name__} within {seconds} s"


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    for number in range(PICTURES):
        draw(tmp_path / "pictures" / f"{number}.png", list(COLORS.values())[number % 3], number)
    with Project.create(tmp_path / "p", tmp_path / "pictures", list(COLORS)) as made:
        yield made


@pytest.fixture
def engine(project: Project, heard: Heard, tmp_path: Path) -> Iterator[Engine]:
    with Engine(
        project.path,
        annotator_name="ann",
        on_event=heard.event,
        on_changes=heard.changes.append,
        jobs=JOBS,
        jobs_module="tests.unit.jobs.engine_jobs",
        log_path=tmp_path / "engine.log",
    ) as made:
        yield made
