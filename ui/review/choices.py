"""The piles that the Review screen can show, and how each is read, in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotator.domain.kinds import Task

if TYPE_CHECKING:
    from annotator.project import Project


@dataclass(frozen=True)
class PileChoice:
    """The open suggestions of a label for a task."""

    task: Task
    label_id: int

    def read(self, project: Project) -> Any:
        """A ``WallPile``; its keys are looked up here, because a hundred thousand of them would be felt in the window."""
        return project.review.walls.read(self.task, self.label_id).indexed()


@dataclass(frozen=True)
class NovelChoice:
    """The "new?" pile: open images unlike anything that is labelled, the strangest first."""

    def read(self, project: Project) -> Any:
        """A ``WallPile`` of whole images."""
        return project.review.walls.images(project.review.novel().image_ids)


@dataclass(frozen=True)
class ImagesChoice:
    """Some images, e.g. those behind a cell of the confusion matrix."""

    title: str
    image_ids: tuple[int, ...]

    def read(self, project: Project) -> Any:
        """A ``WallPile`` of whole images."""
        import numpy as np

        return project.review.walls.images(np.asarray(self.image_ids, np.int64))


@dataclass(frozen=True)
class FindingsChoice:
    """What the last audit found."""

    def read(self, project: Project) -> Any:
        """An ``AuditResult``, or None before the first audit."""
        return project.review.findings.last()


@dataclass(frozen=True)
class CheckChoice:
    """The sample of a task's certificate that is being checked."""

    task: Task

    def read(self, project: Project) -> Any:
        """The ``Audit``, the answers so far and the wall of its sample; None when none was drawn from this run."""
        found = project.review.certificates.resume(self.task)
        if found is None:
            return None
        audit, checked = found
        return audit, checked, project.review.walls.of(audit.sample, self.task)


@dataclass(frozen=True)
class Counts:
    """How many each pile has. ``to_check``: of each sample that was drawn, how many are not checked yet."""

    suggestions: Any
    novel: int
    findings: int | None
    to_check: Mapping[Task, int]

    @classmethod
    def read(cls, project: Project) -> Counts:
        """Count."""
        review = project.review
        audit = review.findings.last()
        return cls(
            review.walls.counts(),
            len(review.novel()),
            None if audit is None else len(audit.findings),
            {task: len(kept[0].sample) - len(kept[1]) for task, kept in review.certificates.open_samples().items()},
        )
