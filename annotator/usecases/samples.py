"""The sample of a certificate: what was drawn from which pile, where the answers stand, and what they allow.

Arithmetic on a sample and its answers, which reads nothing; ``certification`` draws, keeps and signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.records import Suggestion
from annotator.pseudolabel.certify import LEVEL, Examined, allowed_errors, examine, needed_audits, upper_bound
from annotator.usecases.open_piles import Key

Checked: TypeAlias = Mapping[UUID, int | None]
"""Suggestion id to the label that is right there; None: wrong, and nothing else was said. Missing: not checked yet."""


@dataclass(frozen=True)
class Audit:
    """A sample to check. ``sample`` is in the order in which it was drawn; ``places`` says where each stands in the pile of
    ``pile`` open suggestions; ``prefixes`` are the lengths to test and ``ends`` the keys of their last members.

    ``run_id`` is the latest run of the task when it was drawn, ``table`` the run whose tag predictions were shown then.
    """

    certificate_id: int
    task: Task
    run_id: int
    table: int | None
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

    def examined(self, checked: Checked) -> Examined:
        """The fixed sequence of prefixes as the answers leave it."""
        wrong = np.asarray(self.wrong(checked), dtype=bool)
        return examine(np.asarray(self.places), self.prefixes, wrong, target=self.max_error, level=self.level)

    def standing(self, checked: Checked) -> Standing:
        """Where it stands after some answers."""
        answered = [s for s in self.sample if s.id in checked]
        errors = sum(checked[s.id] != s.label_id for s in answered)
        best = self.examined(checked)
        accepted = 0 if best.passed is None else best.passed.length
        bound = upper_bound(errors, len(answered), level=self.level)
        return Standing(len(answered), errors, len(self.sample), bound, best.passed is not None, accepted)

    def missing(self, found: Examined) -> str:
        """What it would have needed, from the first prefix that failed."""
        failed = found.failed
        assert failed is not None
        allowed = allowed_errors(failed.audited, self.max_error, level=self.level)
        shown = f"{failed.errors} of {failed.audited} checked among the {failed.length:,} surest are wrong"
        right = f"{self.max_error:.1%} allows {allowed}" if allowed >= 0 else f"{self.max_error:.1%} allows none"
        return (
            f"{shown}; {right}. The error there is at most {failed.bound:.1%} (95%). The {len(self.sample):,} answers are kept: "
            "train on them and label what the queue offers, then certify the new run, or ask for a larger error."
        )

    def to_json(self, checked: Checked) -> dict[str, Any]:
        """What a setting keeps of it, with the answers."""
        return {
            "certificate": self.certificate_id,
            "task": self.task.value,
            "run": self.run_id,
            "table": self.table,
            "pile": self.pile,
            "sample": [[s.image_id, str(s.id)] for s in self.sample],
            "places": list(self.places),
            "prefixes": list(self.prefixes),
            "ends": [list(end) for end in self.ends],
            "checked": {str(key): value for key, value in checked.items()},
        }


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


def too_few(max_error: float, pile: int, sample: int) -> str:
    """Why no answers to a sample of so many could certify an error."""
    needed = needed_audits(max_error)
    if pile < needed:
        return f"{pile:,} open suggestions are too few to certify {max_error:.1%}: it takes {needed} checks without an error."
    return f"A sample of {sample:,} cannot certify {max_error:.1%}: it takes {needed} checks even when none is wrong."
