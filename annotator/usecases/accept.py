"""Many suggestions at once: all from a confidence on, or as many as an audited random sample certifies. One undoable edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from annotator.edits import accept_many
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.usecases.certification import CertificateDesk
from annotator.usecases.history import ProjectHistory
from annotator.usecases.oracle import read_oracle
from annotator.usecases.parts import Parts
from annotator.usecases.results import AcceptResult
from annotator.usecases.review_view import ReviewView


@dataclass(frozen=True)
class AcceptRequest:
    """Either ``min_confidence``, or ``max_error`` with an ``oracle`` that audits in a person's place."""

    task: Task
    min_confidence: float | None
    max_error: float | None
    audit: int
    oracle: Path | None
    oracle_format: str | None


def accept(parts: Parts, history: ProjectHistory, request: AcceptRequest, context: JobContext) -> AcceptResult:
    """Accept open suggestions of a task: those from a confidence on, or those that a certificate covers."""
    if (request.min_confidence is None) == (request.max_error is None):
        raise UsageError("Say how much to accept:", "give either a least confidence or a greatest error.")
    if request.min_confidence is None:
        return _certified(parts, history, request, context)
    if request.task is not Task.TAGS:
        return _accept_shapes(parts, history, request.task, request.min_confidence, context)
    review = ReviewView(parts)
    if review.table() is None and not len(review.pile()):
        raise AnnotatorError(
            "There are no suggestions to accept.", "Run `annotator suggest PROJECT --task tags` first."
        )
    pile = review.pile(min_confidence=request.min_confidence)
    chosen = _suggestions(review, pile.image_ids, pile.label_ids)
    return AcceptResult(_accept_all(parts, history, chosen, context), 0, None, actions=1)


def _accept_shapes(
    parts: Parts, history: ProjectHistory, task: Task, min_confidence: float, context: JobContext
) -> AcceptResult:
    """Shapes at or above a confidence on images that are not done for them."""
    with parts.db.read() as reader:
        done = set(reader.images.done_ids(task).tolist())
        alive = {label.id for label in reader.labels.all()}
        pile = reader.suggestions.pile(task, at_least=min_confidence)
    if not pile and not done:
        raise AnnotatorError(
            f"There are no such suggestions of {task.value} to accept.",
            f"Run `annotator suggest PROJECT --task {task.value}`, or accept from a lower confidence on.",
        )
    chosen = [s for s in pile if s.image_id not in done and s.label_id in alive]
    return AcceptResult(_accept_all(parts, history, chosen, context), 0, None, actions=1)


def _suggestions(review: ReviewView, image_ids: np.ndarray, label_ids: np.ndarray) -> list[Suggestion]:
    """The suggestions of a pile, in its order."""
    made = {(s.image_id, s.label_id): s for s in review.suggestions(image_ids)}
    return [made[key] for key in zip(image_ids.tolist(), label_ids.tolist(), strict=True) if key in made]


def _certified(parts: Parts, history: ProjectHistory, request: AcceptRequest, context: JobContext) -> AcceptResult:
    """Draw the sample, let the oracle check it, and accept what the bound allows."""
    assert request.max_error is not None
    if request.oracle is None:
        raise UsageError(
            "An audit needs someone who knows:", "give --oracle PATH, or certify in the window's Review screen."
        )
    desk = CertificateDesk(parts, ReviewView(parts))
    oracle = read_oracle(parts, request.task, request.oracle, request.oracle_format, history.vocabulary(), context)
    audit = desk.draw(request.max_error, request.audit, task=request.task)
    checked = oracle.check(audit.sample)
    history.perform(desk.verdicts(audit, checked, history.page))
    history.flush()
    conclusion = desk.conclude(audit, checked)
    desk.record(conclusion, oracle.criterion)
    if conclusion.accept:
        accepted = desk.acceptance(conclusion, lambda ids: history.pages(ids, context, "Accepting"))
        history.perform(accepted).future.result()
    right = len(audit.sample) - sum(audit.wrong(checked))
    return AcceptResult(
        accepted=len(conclusion.accept) + right,
        audited=len(audit.sample),
        bound=conclusion.bound,
        certificate=audit.certificate_id if conclusion.accept else None,
        actions=len(audit.sample) + 1,
        missing=conclusion.missing,
    )


def _accept_all(
    parts: Parts,
    history: ProjectHistory,
    suggestions: Sequence[Suggestion],
    context: JobContext,
) -> int:
    """One edit for all of them; returns how many were accepted."""
    if not suggestions:
        return 0
    vocabulary: Vocabulary = history.vocabulary()
    image_ids = list(dict.fromkeys(s.image_id for s in suggestions))
    pages = history.pages(image_ids, context, "Accepting")
    edit = accept_many(pages, suggestions, vocabulary, annotator=parts.annotator)
    history.perform(edit).future.result()
    return len(suggestions)
