"""``project.review.certificates``: bulk acceptance that a person signs, step by step.

    audit = desk.draw(max_error=0.05)                   # one random sample; its seed is stored before anybody sees it
    desk.standing(audit, checked)                       # the bound, after each answer
    desk.remember(audit, checked)                       # so that a crash or a closed dialog loses no answer
    history.perform(desk.verdicts(audit, checked, history.page))
    conclusion = desk.conclude(audit, checked)          # the largest prefix that passes, or what is missing
    desk.record(conclusion)                             # signed, or failed until a new run
    history.perform(desk.acceptance(conclusion, history.page))

The answers are verdicts whatever comes of the audit. A sample that was drawn stays the sample of its run: whoever asks again
gets it back with the answers so far, so that nobody can draw until the sample pleases.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion
from annotator.edits import Edit, accept, accept_many, reject, resolve
from annotator.edits.vocabulary import Vocabulary
from annotator.errors import AnnotatorError, UsageError
from annotator.pseudolabel.certify import (
    AUDITS,
    LEVEL,
    Examined,
    allowed_errors,
    examine,
    needed_audits,
    plan_audit,
    upper_bound,
)
from annotator.store.runs import Certificate
from annotator.usecases import certificates, tag_table
from annotator.usecases.parts import Parts
from annotator.usecases.results import CertificateStats
from annotator.usecases.review_view import Pile, ReviewView, joined, open_piles
from annotator.usecases.settings_view import LAST_AUDIT, OPEN_AUDIT

AUDITED = "audit"
"""The reason of suggestions in a sample: drawn at random, so that verdicts on them may calibrate."""

Key: TypeAlias = tuple[float, int, int]
"""(−confidence, image, label): the order of the pile, from the most confident."""
Checked: TypeAlias = Mapping[UUID, int | None]
"""Suggestion id to the label that is right there; None: wrong, and nothing else was said. Missing: not checked yet."""
Pages: TypeAlias = Callable[[int], Page]


@dataclass(frozen=True)
class Audit:
    """A sample to check. ``sample`` is in the order in which it was drawn; ``places`` says where each stands in the pile of
    ``pile`` open suggestions; ``prefixes`` are the lengths to test and ``ends`` the keys of their last members."""

    certificate_id: int
    run_id: int
    seed: int
    max_error: float
    pile: int
    sample: tuple[Suggestion, ...]
    places: tuple[int, ...]
    prefixes: tuple[int, ...]
    ends: tuple[Key, ...] = field(repr=False)
    level: float = LEVEL

    def wrong(self, checked: Checked) -> tuple[bool, ...]:
        """For each of the sample whether it is wrong; what was not checked counts as right."""
        return tuple(checked.get(s.id, s.label_id) != s.label_id for s in self.sample)


@dataclass(frozen=True)
class Standing:
    """Where an audit stands. ``bound`` is on the error of all that was checked so far; ``reachable`` says whether a prefix can
    still pass if every answer to come is right; ``would_accept`` how many of the pile the largest such prefix holds."""

    checked: int
    errors: int
    of: int
    bound: float
    reachable: bool
    would_accept: int

    @property
    def complete(self) -> bool:
        return self.checked == self.of


@dataclass(frozen=True)
class Conclusion:
    """What an audit allows: ``accept`` the suggestions to accept unseen, with ``bound`` on the error of the prefix they are in.

    Where nothing passed, ``bound`` is None and ``missing`` says in words what would be needed. ``audited`` and ``errors`` count
    the sample behind the bound, or all of it.
    """

    audit: Audit
    accept: tuple[Suggestion, ...]
    bound: float | None
    audited: int
    errors: int
    missing: str = ""

    @property
    def passed(self) -> bool:
        return self.bound is not None


class CertificateDesk:
    """Draws samples, keeps their answers, and signs. Methods may be called from any thread but the window's."""

    def __init__(self, parts: Parts, review: ReviewView) -> None:
        self._parts = parts
        self._review = review

    def signed(self) -> tuple[CertificateStats, ...]:
        """All signed certificates, oldest first."""
        with self._parts.db.read() as reader:
            return certificates.signed(reader)

    def blocked(self) -> str:
        """Why no sample may be drawn now, in words; nothing when one may."""
        with self._parts.db.read() as reader:
            run = reader.runs.latest(Task.TAGS)
            failed = run is not None and reader.settings.get(LAST_AUDIT) == run.id
        if failed:
            return "This run's suggestions were audited already, and failed. Train or suggest again first."
        return "" if len(self._review.pile()) else "There are no open suggestions to certify."

    def resume(self) -> tuple[Audit, dict[UUID, int | None]] | None:
        """The sample of this run that was drawn and not concluded, with the answers so far; None when there is none."""
        with self._parts.db.read() as reader:
            kept = reader.settings.get(OPEN_AUDIT)
            run = reader.runs.latest(Task.TAGS)
        if not kept or run is None or kept["run"] != run.id:
            return None
        audit = self._restored(kept)
        return None if audit is None else (audit, {UUID(key): value for key, value in kept["checked"].items()})

    def draw(self, max_error: float, audits: int = AUDITS, *, seed: int | None = None) -> Audit:
        """Draw the sample of the open pile, or give back the one that was drawn from this run before.

        Raises ``UsageError`` for an error outside (0, 1), and ``AnnotatorError`` when nothing may be drawn (see ``blocked``) or
        when not even a sample without an error could certify so little.
        """
        if not 0 < max_error < 1:
            raise UsageError(f"An error of {max_error} cannot be certified.", "Give a number between 0 and 1.")
        known = self.resume()
        if known is not None and known[0].max_error == max_error:
            return known[0]
        reason = self.blocked()
        if reason:
            what, _, cure = reason.partition(". ")
            raise AnnotatorError(f"{what.rstrip('.')}.", cure or "Run `annotator suggest PROJECT --task tags` first.")
        if known is not None:
            raise AnnotatorError(
                f"A sample for an error of {known[0].max_error:.1%} was drawn from this run already.",
                "Conclude it, or train first: a second draw would not be random.",
            )
        return self._drawn(max_error, audits, secrets.randbits(32) if seed is None else seed)

    def _drawn(self, max_error: float, audits: int, seed: int) -> Audit:
        pile = in_order(self._review.pile())
        plan = plan_audit(pile.confidences, target=max_error, seed=seed, audits=audits)
        if not plan.prefixes:
            raise AnnotatorError(_too_few(max_error, len(pile), len(plan.sample)), "Check them one by one on the wall.")
        with self._parts.db.read() as reader:
            run = reader.runs.latest(Task.TAGS)
        assert run is not None
        keys = _keys(pile)
        ends = tuple(keys[plan.order[length - 1]] for length in plan.prefixes)
        sample = [replace(each, reason=AUDITED) for each in self._suggestions(pile.pick(plan.sample))]
        audit = Audit(
            0,
            run.id,
            seed,
            max_error,
            len(pile),
            tuple(sample),
            tuple(plan.places.tolist()),
            plan.prefixes,
            ends,
            plan.level,
        )
        with self._parts.db.write(self._parts.annotator) as writer:
            empty = Certificate(0, Task.TAGS, self._parts.annotator, seed, max_error, 0, 0, 1.0, 0, run.id)
            audit = replace(audit, certificate_id=writer.runs.add_certificate(empty))
            writer.settings.set(OPEN_AUDIT, _stored(audit, {}))
        return audit

    def remember(self, audit: Audit, checked: Checked) -> None:
        """Keep the answers so far."""
        with self._parts.db.write(self._parts.annotator) as writer:
            writer.settings.set(OPEN_AUDIT, _stored(audit, checked))

    def standing(self, audit: Audit, checked: Checked) -> Standing:
        """Where the audit stands after some answers; reads nothing, so that it may follow every click."""
        answered = [s for s in audit.sample if s.id in checked]
        errors = sum(checked[s.id] != s.label_id for s in answered)
        best = _examined(audit, checked)
        accepted = 0 if best.passed is None else best.passed.length
        bound = upper_bound(errors, len(answered), level=audit.level)
        return Standing(len(answered), errors, len(audit.sample), bound, best.passed is not None, accepted)

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
        found = _examined(audit, checked)
        if found.passed is None:
            errors = sum(audit.wrong(checked))
            return Conclusion(audit, (), None, len(audit.sample), errors, _missing(audit, found))
        end = audit.ends[audit.prefixes.index(found.passed.length)]
        rest = self._open_within(audit, end)
        return Conclusion(audit, tuple(rest), found.passed.bound, found.passed.audited, found.passed.errors)

    def record(self, conclusion: Conclusion) -> None:
        """Write what the audit found: signed where something is accepted under it, else there is no new draw until a new run."""
        audit = conclusion.audit
        bound = upper_bound(conclusion.errors, conclusion.audited) if conclusion.bound is None else conclusion.bound
        with self._parts.db.write(self._parts.annotator) as writer:
            writer.runs.finish_certificate(
                audit.certificate_id,
                audited=conclusion.audited,
                errors=conclusion.errors,
                bound=bound,
                accepted=len(conclusion.accept),
            )
            writer.settings.remove(OPEN_AUDIT)
            if not conclusion.passed:
                writer.settings.set(LAST_AUDIT, audit.run_id)

    def acceptance(self, conclusion: Conclusion, page: Pages) -> Edit:
        """Accept what passed, unseen, under the certificate; one edit."""
        ids = dict.fromkeys(s.image_id for s in conclusion.accept)
        pages = (page(image_id) for image_id in ids)
        return accept_many(
            pages,
            conclusion.accept,
            self._vocabulary(),
            annotator=self._parts.annotator,
            certificate_id=conclusion.audit.certificate_id,
        )

    def _open_within(self, audit: Audit, end: Key) -> list[Suggestion]:
        """The suggestions of the audit's run down to ``end`` that are still open and were not in the sample."""
        table = tag_table.read(self._parts, audit.run_id)
        if table is None:
            raise AnnotatorError("The suggestions of this audit are gone from the cache.", "Train, then certify again.")
        pile = in_order(joined(open_piles(self._parts, table)))
        sampled = {(s.image_id, s.label_id) for s in audit.sample}
        keep = [key <= end and (key[1], key[2]) not in sampled for key in _keys(pile)]
        return self._suggestions(pile.pick(np.flatnonzero(keep)), run_id=audit.run_id)

    def _suggestions(self, pile: Pile, run_id: int | None = None) -> list[Suggestion]:
        """The suggestions of a pile in its order; ``run_id`` None: as they are shown now."""
        if run_id is None or run_id == self._shown_run():
            made = self._review.suggestions(pile.image_ids)
        else:
            table = tag_table.read(self._parts, run_id)
            made = [] if table is None else table.suggestions(np.unique(pile.image_ids))
        by_key = {(s.image_id, s.label_id): s for s in made}
        wanted = zip(pile.image_ids.tolist(), pile.label_ids.tolist(), strict=True)
        return [by_key[key] for key in wanted if key in by_key]

    def _shown_run(self) -> int | None:
        table = self._review.table()
        return None if table is None else table.run_id

    def _restored(self, kept: Mapping[str, Any]) -> Audit | None:
        """The audit that ``_stored`` wrote; None when its suggestions are gone."""
        with self._parts.db.read() as reader:
            row = next((each for each in reader.runs.certificates() if each.id == kept["certificate"]), None)
        table = tag_table.read(self._parts, kept["run"])
        if row is None or row.signed_at or table is None:
            return None
        keys = [(int(image), int(label)) for image, label in kept["sample"]]
        images = np.unique(np.asarray([image for image, _ in keys], np.int64))
        made = {(s.image_id, s.label_id): s for s in table.suggestions(images)}
        if any(key not in made for key in keys):
            return None
        sample = tuple(replace(made[key], reason=AUDITED) for key in keys)
        ends = tuple((float(a), int(b), int(c)) for a, b, c in kept["ends"])
        places, prefixes = tuple(kept["places"]), tuple(kept["prefixes"])
        return Audit(row.id, kept["run"], row.seed, row.max_error, kept["pile"], sample, places, prefixes, ends)

    def _vocabulary(self) -> Vocabulary:
        with self._parts.db.read() as reader:
            return Vocabulary.of(reader.labels.all(), reader.labels.groups())


def in_order(pile: Pile) -> Pile:
    """The pile from the most confident; equals in the order of their images, so that the order is the same every time."""
    return pile.pick(np.lexsort((pile.label_ids, pile.image_ids, -pile.confidences.astype(np.float64))))


def _keys(pile: Pile) -> list[Key]:
    negative = (-pile.confidences.astype(np.float64)).tolist()
    return list(zip(negative, pile.image_ids.tolist(), pile.label_ids.tolist(), strict=True))


def _stored(audit: Audit, checked: Checked) -> dict[str, Any]:
    return {
        "certificate": audit.certificate_id,
        "run": audit.run_id,
        "pile": audit.pile,
        "sample": [[s.image_id, s.label_id] for s in audit.sample],
        "places": list(audit.places),
        "prefixes": list(audit.prefixes),
        "ends": [list(end) for end in audit.ends],
        "checked": {str(key): value for key, value in checked.items()},
    }


def _examined(audit: Audit, checked: Checked) -> Examined:
    wrong = np.asarray(audit.wrong(checked), dtype=bool)
    return examine(np.asarray(audit.places), audit.prefixes, wrong, target=audit.max_error, level=audit.level)


def _too_few(max_error: float, pile: int, sample: int) -> str:
    needed = needed_audits(max_error)
    if pile < needed:
        return f"{pile:,} open suggestions are too few to certify {max_error:.1%}: it takes {needed} checks without an error."
    return f"A sample of {sample:,} cannot certify {max_error:.1%}: it takes {needed} checks even when none is wrong."


def _missing(audit: Audit, found: Examined) -> str:
    """What an audit that failed would have needed, from its first prefix."""
    failed = found.failed
    assert failed is not None
    allowed = allowed_errors(failed.audited, audit.max_error, level=audit.level)
    shown = f"{failed.errors} of {failed.audited} checked among the {failed.length:,} surest are wrong"
    right = f"{audit.max_error:.1%} allows {allowed}" if allowed >= 0 else f"{audit.max_error:.1%} allows none"
    return (
        f"{shown}; {right}. The error there is at most {failed.bound:.1%} (95%). The {len(audit.sample):,} answers are kept: "
        "train on them and label what the queue offers, then certify the new run, or ask for a larger error."
    )
