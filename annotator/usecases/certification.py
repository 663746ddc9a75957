"""``project.review.certificates``: bulk acceptance that a person signs, step by step.

    audit = desk.draw(0.05, task=Task.BOXES)            # one random sample; its seed is stored before anybody sees it
    audit.standing(checked)                             # the bound, after each answer
    desk.remember(audit, checked)                       # so that a crash or a closed dialog loses no answer
    history.perform(desk.verdicts(audit, checked, history.page))
    conclusion = desk.conclude(audit, checked)          # the largest prefix that passes, or what is missing
    desk.record(conclusion)                             # signed, or failed until a new run
    history.perform(desk.acceptance(conclusion, history.pages))

The answers are verdicts whatever comes of the audit. A sample that was drawn stays the sample of its run: whoever asks again
gets it back with the answers so far, so that nobody can draw until the sample pleases. Each task has a sample of its own.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

from annotator.domain.kinds import CERTIFIABLE, Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion
from annotator.edits import Edit, accept, accept_many, reject, resolve
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError, UsageError
from annotator.pseudolabel.certify import AUDITS, plan_audit, upper_bound
from annotator.store.runs import Certificate
from annotator.usecases import certificates, open_piles, tag_table
from annotator.usecases.open_piles import Key
from annotator.usecases.parts import Parts
from annotator.usecases.results import CertificateStats
from annotator.usecases.review_view import ReviewView
from annotator.usecases.samples import Audit, Checked, Conclusion, too_few
from annotator.usecases.settings_view import LAST_AUDIT, OPEN_AUDIT

AUDITED = "audit"
"""The reason of suggestions in a sample: drawn at random, so that verdicts on them may calibrate."""
BY_EYE = {
    Task.TAGS: "the tag is right, by eye",
    Task.BOXES: "the label is right and the box fits, by eye",
    Task.MASKS: "the label is right and the outline fits, by eye",
}
"""What counts as right where a person checks."""

Pages: TypeAlias = Callable[[int], Page]
ManyPages: TypeAlias = Callable[[list[int]], Iterable[Page]]


class CertificateDesk:
    """Draws samples, keeps their answers, and signs. Methods may be called from any thread but the window's."""

    def __init__(self, parts: Parts, review: ReviewView) -> None:
        self._parts = parts
        self._review = review

    def signed(self) -> tuple[CertificateStats, ...]:
        """All signed certificates, oldest first."""
        with self._parts.db.read() as reader:
            return certificates.signed(reader)

    def open_confidences(self, task: Task = Task.TAGS) -> np.ndarray:
        """(n,) what is open for a task and might be certified, the most confident first."""
        if task is Task.TAGS:
            return np.asarray(self._review.pile().confidences, np.float64)
        return open_piles.open_shapes(self._parts, task).confidences

    def blocked(self, task: Task = Task.TAGS) -> str:
        """Why no sample may be drawn now, in words; nothing when one may."""
        with self._parts.db.read() as reader:
            run = reader.runs.latest(task)
            failed = reader.settings.get(_setting(LAST_AUDIT, task))
        if failed and self._stands(task, failed):
            return "This run's suggestions were audited already, and failed. Train or suggest again first."
        if run is None or not len(self.open_confidences(task)):
            return f"There are no open suggestions of {task.value} to certify."
        return ""

    def resume(self, task: Task = Task.TAGS) -> tuple[Audit, dict[UUID, int | None]] | None:
        """The sample of this run that was drawn and not concluded, with the answers so far; None when there is none."""
        with self._parts.db.read() as reader:
            kept = reader.settings.get(_setting(OPEN_AUDIT, task))
        if not kept or not self._stands(task, kept["run"]):
            return None
        audit = self._restored(task, kept)
        return None if audit is None else (audit, {UUID(key): value for key, value in kept["checked"].items()})

    def open_samples(self) -> dict[Task, tuple[Audit, dict[UUID, int | None]]]:
        """The samples that were drawn and not concluded, by task, with the answers so far."""
        found = {task: self.resume(task) for task in CERTIFIABLE}
        return {task: kept for task, kept in found.items() if kept is not None}

    def draw(self, max_error: float, audits: int = AUDITS, *, task: Task = Task.TAGS, seed: int | None = None) -> Audit:
        """Draw the sample of a task's open pile, or give back the one that was drawn from this run before.

        Raises ``UsageError`` for an error outside (0, 1) and for a task without certificates, and ``AnnotatorError`` when nothing
        may be drawn (see ``blocked``) or when not even a sample without an error could certify so little.
        """
        if not 0 < max_error < 1:
            raise UsageError(f"An error of {max_error} cannot be certified.", "Give a number between 0 and 1.")
        if task not in CERTIFIABLE:
            names = ", ".join(each.value for each in CERTIFIABLE)
            raise UsageError(f"Suggestions of {task.value} cannot be certified.", f"Certificates are for {names}.")
        known = self.resume(task)
        if known is not None and known[0].max_error == max_error:
            return known[0]
        reason = self.blocked(task)
        if reason:
            what, _, cure = reason.partition(". ")
            suggest = f"Run `annotator suggest PROJECT --task {task.value}` first."
            raise AnnotatorError(f"{what.rstrip('.')}.", cure or suggest)
        if known is not None:
            raise AnnotatorError(
                f"A sample for an error of {known[0].max_error:.1%} was drawn from this run already.",
                "Conclude it, or train first: a second draw would not be random.",
            )
        return self._drawn(task, max_error, audits, secrets.randbits(32) if seed is None else seed)

    def _drawn(self, task: Task, max_error: float, audits: int, seed: int) -> Audit:
        table = self._review.table() if task is Task.TAGS else None
        pile = open_piles.ordered(self._parts, task, table)
        plan = plan_audit(pile.confidences, target=max_error, seed=seed, audits=audits)
        if not plan.prefixes:
            raise AnnotatorError(too_few(max_error, len(pile), len(plan.sample)), "Check them one by one on the wall.")
        with self._parts.db.read() as reader:
            run = reader.runs.latest(task)
        assert run is not None
        sample = [replace(each, reason=AUDITED) for each in pile.suggestions(self._parts, plan.sample.tolist())]
        audit = Audit(
            certificate_id=0,
            task=task,
            run_id=run.id,
            table=None if table is None else table.run_id,
            seed=seed,
            max_error=max_error,
            pile=len(pile),
            sample=tuple(sample),
            places=tuple(plan.places.tolist()),
            prefixes=plan.prefixes,
            ends=tuple(pile.keys[plan.order[length - 1]] for length in plan.prefixes),
            level=plan.level,
        )
        with self._parts.db.write(self._parts.annotator) as writer:
            source = Counter(each.run_id for each in sample).most_common(1)[0][0]
            empty = Certificate(0, task, self._parts.annotator, seed, max_error, 0, 0, 1.0, 0, source)
            audit = replace(audit, certificate_id=writer.runs.add_certificate(empty))
            writer.settings.set(_setting(OPEN_AUDIT, task), audit.to_json({}))
        return audit

    def remember(self, audit: Audit, checked: Checked) -> None:
        """Keep the answers so far."""
        with self._parts.db.write(self._parts.annotator) as writer:
            writer.settings.set(_setting(OPEN_AUDIT, audit.task), audit.to_json(checked))

    def verdicts(self, audit: Audit, checked: Checked, page: Pages) -> Edit:
        """The answers as one edit: what was right is accepted, what was wrong is corrected, or rejected where nothing else was
        said. Suggestions that were answered elsewhere in the meantime keep that answer."""
        vocabulary = self._vocabulary()
        pages: dict[int, Page] = {}
        edits: list[Edit] = []
        annotator = self._parts.annotator
        for suggestion in audit.sample:
            if suggestion.id not in checked:
                continue
            current = pages.get(suggestion.image_id) or page(suggestion.image_id)
            if not any(each.id == suggestion.id for each in current.suggestions):
                continue
            label_id = checked[suggestion.id]
            if label_id is None:
                edit = reject(current, suggestion, vocabulary, annotator=annotator)
            else:
                edit = accept(current, suggestion, vocabulary, annotator=annotator, label_id=label_id)
            pages[suggestion.image_id] = resolve.after(current, edit)
            edits.append(edit)
        return resolve.joined(f"Check {len(edits)} suggestions", edits, annotator)

    def conclude(self, audit: Audit, checked: Checked) -> Conclusion:
        """What the answers allow; raises ``UsageError`` while some of the sample is not checked."""
        left = sum(s.id not in checked for s in audit.sample)
        if left:
            raise UsageError(f"{left:,} of the sample are not checked yet.", "Only the whole sample certifies.")
        found = audit.examined(checked)
        if found.passed is None:
            errors = sum(audit.wrong(checked))
            return Conclusion(audit, (), None, len(audit.sample), errors, audit.missing(found))
        end = audit.ends[audit.prefixes.index(found.passed.length)]
        rest = self._open_within(audit, end)
        return Conclusion(audit, tuple(rest), found.passed.bound, found.passed.audited, found.passed.errors)

    def record(self, conclusion: Conclusion, criterion: str = "") -> None:
        """Write what the audit found: signed where something is accepted under it, else there is no new draw until a new run.

        ``criterion`` says what counted as right; empty: what it means to a person who looks (``BY_EYE``).
        """
        audit = conclusion.audit
        bound = upper_bound(conclusion.errors, conclusion.audited) if conclusion.bound is None else conclusion.bound
        with self._parts.db.write(self._parts.annotator) as writer:
            writer.runs.finish_certificate(
                audit.certificate_id,
                annotator=self._parts.annotator,
                audited=conclusion.audited,
                errors=conclusion.errors,
                bound=bound,
                accepted=len(conclusion.accept),
                criterion=criterion or BY_EYE[audit.task],
            )
            writer.settings.remove(_setting(OPEN_AUDIT, audit.task))
            if not conclusion.passed:
                writer.settings.set(_setting(LAST_AUDIT, audit.task), audit.run_id)

    def acceptance(self, conclusion: Conclusion, pages: ManyPages) -> Edit:
        """Accept what passed, unseen, under the certificate; one edit. ``pages`` reads those of many images."""
        ids = list(dict.fromkeys(s.image_id for s in conclusion.accept))
        return accept_many(
            pages(ids),
            conclusion.accept,
            self._vocabulary(),
            annotator=self._parts.annotator,
            certificate_id=conclusion.audit.certificate_id,
        )

    def _stands(self, task: Task, run_id: int) -> bool:
        """Whether a sample of what was open at a run is still one of what is open: no model has run since, and what was imported
        since has not taken the place of all of it. Else an import of one picture would free a pile that failed."""
        with self._parts.db.read() as reader:
            later = [each for each in reader.runs.all() if each.task is task and each.id > run_id and each.finished_at]
        if not all(each.is_import for each in later):
            return False
        if not later:
            return True
        pile = open_piles.ordered(self._parts, task, self._review.table() if task is Task.TAGS else None)
        return any(each.run_id <= run_id for each in pile.suggestions(self._parts, range(len(pile))))

    def _open_within(self, audit: Audit, end: Key) -> list[Suggestion]:
        """What the sample was drawn from down to ``end``, as far as it is still open and was not in the sample; what was
        suggested or imported since is not covered."""
        table = tag_table.read(self._parts, audit.table)
        if table is None and audit.table is not None:
            raise AnnotatorError("The suggestions of this audit are gone from the cache.", "Train, then certify again.")
        pile = open_piles.ordered(self._parts, audit.task, table)
        rows = [row for row, key in enumerate(pile.keys) if key <= end]
        sampled = {s.id for s in audit.sample}
        made = pile.suggestions(self._parts, rows)
        return [s for s in made if s.id not in sampled and s.run_id <= audit.run_id]

    def _restored(self, task: Task, kept: Mapping[str, Any]) -> Audit | None:
        """The audit that a setting kept; None when its suggestions are gone."""
        with self._parts.db.read() as reader:
            row = next((each for each in reader.runs.certificates() if each.id == kept["certificate"]), None)
            written = reader.suggestions.many(UUID(each) for _, each in kept["sample"])
        if row is None or row.signed_at:
            return None
        made: dict[UUID, Suggestion] = {}
        table = tag_table.read(self._parts, kept["table"])
        if table is not None:
            images = np.unique(np.asarray([image for image, _ in kept["sample"]], np.int64))
            made = {s.id: s for s in table.suggestions(images)}
        made.update(written)
        ids = [UUID(each) for _, each in kept["sample"]]
        if any(each not in made for each in ids):
            return None
        return Audit(
            certificate_id=row.id,
            task=task,
            run_id=kept["run"],
            table=kept["table"],
            seed=row.seed,
            max_error=row.max_error,
            pile=kept["pile"],
            sample=tuple(replace(made[each], reason=AUDITED) for each in ids),
            places=tuple(kept["places"]),
            prefixes=tuple(kept["prefixes"]),
            ends=tuple((float(a), int(b), str(c)) for a, b, c in kept["ends"]),
        )

    def _vocabulary(self) -> Vocabulary:
        with self._parts.db.read() as reader:
            return Vocabulary.of(reader.labels.all(), reader.labels.groups())


def _setting(name: str, task: Task) -> str:
    """Each task has a sample of its own."""
    return f"{name}.{task.value}"
