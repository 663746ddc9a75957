"""Many suggestions at once: all from a confidence on, or as many as an audited random sample certifies. One undoable edit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion
from annotator.edits import accept as accept_one
from annotator.edits import accept_many
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.pseudolabel.certify import AuditPlan, certify, plan_audit, upper_bound
from annotator.store.runs import Certificate
from annotator.usecases import truth as truth_room
from annotator.usecases.history import ProjectHistory
from annotator.usecases.parts import Parts
from annotator.usecases.results import AcceptResult
from annotator.usecases.review_view import ReviewView

AUDITED = "audit"
LAST_AUDIT = "accept.last_audit"
"""The run whose pile was audited last without success: there is no new draw until a new run."""


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
    """Accept open tag suggestions."""
    if request.task is not Task.TAGS:
        raise UsageError(f"This version accepts tags in bulk, not {request.task.value}.", "Use --task tags.")
    if (request.min_confidence is None) == (request.max_error is None):
        raise UsageError("Say how much to accept:", "give either a least confidence or a greatest error.")
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


def _suggestions(review: ReviewView, image_ids: np.ndarray, label_ids: np.ndarray) -> list[Suggestion]:
    """The suggestions of a pile, in its order."""
    made = {(s.image_id, s.label_id): s for s in review.suggestions(image_ids)}
    return [made[key] for key in zip(image_ids.tolist(), label_ids.tolist(), strict=True) if key in made]


def _certified(
    parts: Parts, history: ProjectHistory, review: ReviewView, request: AcceptRequest, context: JobContext
) -> AcceptResult:
    """Fix the sample, let the oracle check it, and accept what the bound allows."""
    assert request.max_error is not None
    if request.oracle is None:
        raise UsageError(
            "An audit needs someone who knows:", "give --oracle PATH, or certify in the window's Review screen."
        )
    if not 0 < request.max_error < 1:
        raise UsageError(f"An error of {request.max_error} cannot be certified.", "Give a number between 0 and 1.")
    with parts.db.read() as reader:
        run = reader.runs.latest(request.task)
        assert run is not None
        if reader.settings.get(LAST_AUDIT) == run.id:
            raise AnnotatorError(
                "This run's suggestions were audited already, and failed.", "Train or suggest again first."
            )
        labels = {label.id: label.name for label in reader.labels.all()}
    pile = review.pile()
    if not len(pile):
        raise AnnotatorError(
            "There are no open suggestions to certify.", "Run `annotator suggest PROJECT --task tags` first."
        )
    answers = truth_room.read_truth(parts, request.oracle, request.oracle_format, context).tags
    suggestions = _suggestions(review, pile.image_ids, pile.label_ids)
    seed = secrets.randbits(32)
    with parts.db.write(parts.annotator) as writer:
        certificate_id = writer.runs.add_certificate(
            Certificate(0, Task.TAGS, parts.annotator, seed, request.max_error, 0, 0, 1.0, 0, run.id)
        )
    sure = np.asarray([s.confidence for s in suggestions])
    plan = plan_audit(sure, target=request.max_error, seed=seed, audits=request.audit)
    unknown = [suggestions[row].image_id for row in plan.sample if suggestions[row].image_id not in answers]
    if unknown:
        raise AnnotatorError(
            f"{request.oracle} does not say what {len(unknown):,} of the audited pictures are.",
            "Give a dataset that covers the project.",
        )
    wrong = np.asarray(
        [labels[suggestions[row].label_id] not in answers[suggestions[row].image_id] for row in plan.sample]
    )
    finding = certify(plan, wrong.astype(bool))
    _audit_verdicts(parts, history, plan, suggestions, answers)
    audited = {suggestions[row].id for row in plan.sample}
    rest = [suggestions[row] for row in finding.accepted.tolist() if suggestions[row].id not in audited]
    passed = finding.passed and bool(rest)
    right = int((~wrong).sum())
    with parts.db.write(parts.annotator) as writer:
        if finding.bound is not None:
            writer.runs.finish_certificate(
                certificate_id,
                audited=finding.audited,
                errors=finding.errors,
                bound=finding.bound,
                accepted=len(rest),
            )
        else:
            bound = upper_bound(int(wrong.sum()), finding.checked)
            writer.runs.finish_certificate(
                certificate_id, audited=finding.checked, errors=int(wrong.sum()), bound=bound, accepted=0
            )
            writer.settings.set(LAST_AUDIT, run.id)
    accepted = _accept_all(parts, history, rest, certificate_id, context) if passed else 0
    total = accepted + right
    return AcceptResult(
        total, len(plan.sample), finding.bound, certificate_id if passed else None, len(plan.sample) + 1
    )


def _audit_verdicts(
    parts: Parts,
    history: ProjectHistory,
    plan: AuditPlan,
    suggestions: Sequence[Suggestion],
    answers: truth_room.TagsOf,
) -> None:
    """The audit's answers are verdicts: what was right is accepted, what was wrong is corrected to what the oracle says."""
    vocabulary = history.vocabulary()
    ids = {label.name: label_id for label_id, label in vocabulary.labels.items()}
    for row in plan.sample.tolist():
        suggestion = replace(suggestions[row], reason=AUDITED)
        names = answers[suggestion.image_id]
        page = history.page(suggestion.image_id)
        right = vocabulary.name(suggestion.label_id) in names
        label_id = suggestion.label_id if right else next((ids[name] for name in sorted(names) if name in ids), None)
        if label_id is None:
            from annotator.edits import reject

            history.perform(reject(page, suggestion, vocabulary, annotator=parts.annotator))
        else:
            edit = accept_one(page, suggestion, vocabulary, annotator=parts.annotator, label_id=label_id)
            history.perform(edit)
    history.flush()


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
