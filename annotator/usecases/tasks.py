"""Which functions do the loop for which task: the one table behind ``suggest``, ``train`` and ``simulate``.

A new task is a line of ``TASKS`` and the modules it names. They are imported when a verb first needs them, because the window
opens projects long before anything is learned.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import Task
from annotator.errors import UsageError
from annotator.job_context import JobContext
from annotator.usecases.parts import Parts
from annotator.usecases.results import SimulateResult, SuggestResult, TrainResult


@dataclass(frozen=True)
class SuggestRequest:
    """``model_id`` and its ``weights`` file None: what the project uses. ``limit``: only so many images of the queue's head.

    Of a foreign detector: ``names`` maps its names to the project's labels (or "ignore"), ``class_agnostic`` sets them aside.
    """

    model_id: str | None = None
    weights: Path | None = None
    limit: int | None = None
    device: str = "auto"
    names: Mapping[str, str] = field(default_factory=dict)
    class_agnostic: bool = False


class Rounds(StrEnum):
    """When a simulated loop of boxes trains: whenever the number of labelled pictures has doubled, or only at each budget."""

    DOUBLING = "doubling"
    AT_BUDGETS = "at-budgets"


@dataclass(frozen=True)
class SimulateRequest:
    """``strategy`` "default" is what the window uses; several names with commas between them are compared. ``effort``: also label
    the whole pool to at most 2% and 5% error and count; ``certify``: a target error at which ``runs`` certificates are tried."""

    task: Task
    truth: Path
    truth_format: str | None
    budgets: tuple[int, ...]
    strategy: str
    seeds: int
    effort: bool = False
    certify: float | None = None
    runs: int = 200
    rounds: Rounds = Rounds.DOUBLING


@dataclass(frozen=True)
class TaskEntry:
    """What the loop of one task consists of.

    ``kinds``: annotations of these geometries are what it learns from. ``suggest``, ``train`` and ``simulate`` are
    "module:function" in this package: ``suggest(parts, SuggestRequest, context)``, ``train(parts, device=, context=)`` and
    ``simulate(parts, SimulateRequest, context)``. ``can_suggest(parts)`` and ``can_train(parts)`` tell whether the project holds
    enough for it ("": always). ``needs``: the module without which it cannot train.
    """

    kinds: tuple[GeometryKind, ...]
    suggest: str
    train: str
    simulate: str
    can_suggest: str = ""
    can_train: str = ""
    needs: str = ""

    @property
    def can_train_here(self) -> bool:
        """Whether what training needs is installed; imports nothing."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None


TASKS: Mapping[Task, TaskEntry] = {
    Task.TAGS: TaskEntry(
        (GeometryKind.TAG,),
        suggest="tag_suggest:suggest",
        train="tag_train:train",
        simulate="tag_simulate:simulate",
    ),
    Task.BOXES: TaskEntry(
        (GeometryKind.BOX, GeometryKind.ROTATED_BOX),
        suggest="box_suggest:suggest",
        train="box_train:train",
        simulate="box_simulate:simulate",
        can_suggest="readiness:can_suggest_boxes",
        can_train="box_answers:can_train",
        needs="torch",
    ),
    Task.MASKS: TaskEntry(
        (GeometryKind.MASK, GeometryKind.POLYGON),
        suggest="mask_suggest:suggest",
        train="mask_train:train",
        simulate="mask_simulate:simulate",
        can_suggest="readiness:can_suggest_masks",
        can_train="readiness:is_painted",
    ),
}


def entry_of(task: Task) -> TaskEntry:
    """The task's line; raises ``UsageError`` for what this version does not learn."""
    if task not in TASKS:
        known = ", ".join(each.value for each in TASKS)
        raise UsageError(f"This version does not suggest or learn {task.value}.", f"Use --task with one of: {known}.")
    return TASKS[task]


def suggest(parts: Parts, task: Task, request: SuggestRequest, context: JobContext) -> SuggestResult:
    """Suggest for everything that is open and put the queue in order."""
    result: SuggestResult = _function(entry_of(task).suggest)(parts, request, context)
    return result


def train(parts: Parts, task: Task, *, device: str, context: JobContext) -> TrainResult:
    """Learn from everything that was decided so far, and suggest anew when the new head is not worse."""
    result: TrainResult = _function(entry_of(task).train)(parts, device=device, context=context)
    return result


def simulate(parts: Parts, request: SimulateRequest, context: JobContext) -> SimulateResult:
    """Play the loop with a simulated annotator."""
    result: SimulateResult = _function(entry_of(request.task).simulate)(parts, request, context)
    return result


def task_of(kind: GeometryKind) -> Task | None:
    """The task that learns from annotations of a kind; None where nothing does."""
    return next((task for task, entry in TASKS.items() if kind in entry.kinds), None)


@dataclass(frozen=True)
class Ready:
    """The tasks that can suggest, and those that can train, with what the project holds and what is installed."""

    suggest: tuple[Task, ...]
    train: tuple[Task, ...]


def ready(parts: Parts) -> Ready:
    """What the window's loop may start by itself now. Tags need nothing but labels, unless people only draw shapes here."""
    with parts.db.read() as reader:
        used = [task for task, entry in TASKS.items() if reader.annotations.any_of(entry.kinds)]
    open_to = [t for t in TASKS if t is not Task.TAGS or t in used or not used]
    return Ready(
        tuple(t for t in open_to if _enough(parts, TASKS[t].can_suggest)),
        tuple(t for t in open_to if TASKS[t].can_train_here and _enough(parts, TASKS[t].can_train)),
    )


def _enough(parts: Parts, question: str) -> bool:
    return not question or bool(_function(question)(parts))


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"annotator.usecases.{module}"), function)
    return found
