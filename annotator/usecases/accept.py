"""Many suggestions at once: all from a confidence on, or as many as an audited random sample certifies. One undoable edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion
from annotator.edits import accept_many
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.usecases import truth as truth_room
from annotator.usecases.certification import Audit, CertificateDesk
from annotator.usecases.history import ProjectHistory
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
    """Accept open suggestions: of tags also under a certificate, of shapes from a confidence on."""
    if (request.min_confidence is None) == (request.max_error is None):
        raise UsageError("Say how much to accept:", "give either a least confidence or a greatest error.")
    if request.task is not Task.TAGS:
        return _accept_shapes(parts, history, request, context)
    review = ReviewView(parts)
    if review.table() is None and not len(review.pile()):
        raise AnnotatorError(
            "There are no suggestions to accept.", "Run `annotator suggest PROJECT --task tags` first."
        )
    if request.min_confidence is not None:
        pile = review.pile(min_confidence=request.min_confidence)
        chosen = _suggestions(review, pile.image_ids, pile.label_ids)
        accepted = _accept_all(parts, history, chosen, None, context)
        return AcceptResult(accepted, 0, None, actions=1)
    return _certified(parts, history, review, request, context)


def _accept_shapes(parts: Parts, history: ProjectHistory, request: AcceptRequest, context: JobContext) -> AcceptResult:
    """Shapes at or above a confidence on images that are not done for them."""
    if request.min_confidence is None:
        raise UsageError(
            f"Only tags are accepted under a certificate, not {request.task.value}.", "Give --min-confidence."
        )
    with parts.db.read() as reader:
        done = set(reader.images.done_ids(request.task).tolist())
        alive = {label.id for label in reader.labels.all()}
        pile = reader.suggestions.pile(request.task, at_least=request.min_confidence)
    if not pile and not done:
        raise AnnotatorError(
            f"There are no such suggestions of {request.task.value} to accept.",
            f"Run `annotator suggest PROJECT --task {request.task.value}`, or accept from a lower confidence on.",
        )
    chosen = [s for s in pile if s.image_id not in done and s.label_id in alive]
    return AcceptResult(_accept_all(parts, history, chosen, None, context), 0, None, actions=1)


def _suggestions(review: ReviewView, image_ids: np.ndarray, label_ids: np.ndarray) -> list[Suggestion]:
    """The suggestions of a pile, in its order."""
    made = {(s.image_id, s.label_id): s for s in review.suggestions(image_ids)}
    return [made[key] for key in zip(image_ids.tolist(), label_ids.tolist(), strict=True) if key in made]


def _certified(
    parts: Parts, history: ProjectHistory, review: ReviewView, request: AcceptRequest, context: JobContext
) -> AcceptResult:
    """Draw the sample, let the oracle check it, and accept what the bound allows."""
    assert request.max_error is not None
    if request.oracle is None:
        raise UsageError(
            "An audit needs someone who knows:", "give --oracle PATH, or certify in the window's Review screen."
        )
    desk = CertificateDesk(parts, review)
    answers = truth_room.read_truth(parts, request.oracle, request.oracle_format, context).tags
    audit = desk.draw(request.max_error, request.audit)
    checked = _oracle_says(history.vocabulary(), audit, answers, request.oracle)
    history.perform(desk.verdicts(audit, checked, history.page))
    history.flush()
    conclusion = desk.conclude(audit, checked)
    desk.record(conclusion)
    if conclusion.accept:
        context.progress(0, None, "Accepting")
        history.perform(desk.acceptance(conclusion, history.page)).future.result()
    right = len(audit.sample) - sum(audit.wrong(checked))
    return AcceptResult(
        accepted=len(conclusion.accept) + right,
        audited=len(audit.sample),
        bound=conclusion.bound,
        certificate=audit.certificate_id if conclusion.accept else None,
        actions=len(audit.sample) + 1,
        missing=conclusion.missing,
    )


def _oracle_says(
    vocabulary: Vocabulary, audit: Audit, answers: truth_room.TagsOf, oracle: Path
) -> dict[UUID, int | None]:
    """The sample as the oracle answers it; raises ``AnnotatorError`` when it does not know all of it."""
    unknown = [s.image_id for s in audit.sample if s.image_id not in answers]
    if unknown:
        raise AnnotatorError(
            f"{oracle} does not say what {len(unknown):,} of the audited pictures are.",
            "Give a dataset that covers the project; the sample stays the same.",
        )
    ids = {label.name: label_id for label_id, label in vocabulary.labels.items()}
    checked: dict[UUID, int | None] = {}
    for suggestion in audit.sample:
        names = answers[suggestion.image_id]
        right = vocabulary.name(suggestion.label_id) in names
        other = next((ids[name] for name in sorted(names) if name in ids), None)
        checked[suggestion.id] = suggestion.label_id if right else other
    return checked


def _accept_all(
    parts: Parts,
    history: ProjectHistory,
    suggestions: Sequence[Suggestion],
    certificate_id: int | None,
    context: JobContext,
) -> int:
    """One edit for all of them; returns how many were accepted."""
    if not suggestions:
        return 0
    vocabulary: Vocabulary = history.vocabulary()
    pages: list[Page] = []
    image_ids = list(dict.fromkeys(s.image_id for s in suggestions))
    for at, image_id in enumerate(image_ids):
        context.progress(at, len(image_ids), "Accepting")
        pages.append(history.page(image_id))
    edit = accept_many(pages, suggestions, vocabulary, annotator=parts.annotator, certificate_id=certificate_id)
    history.perform(edit).future.result()
    return len(suggestions)
