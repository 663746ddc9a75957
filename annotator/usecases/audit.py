"""``project.audit``: what looks wrong in labels and pictures, the worst of each kind first, and how far annotators agree.

Changes nothing but the cache, where the result is kept for the Audit pile (``findings``). What a person has fixed or kept is not
listed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.audit.tags import MIN_ANSWERS
from annotator.errors import AnnotatorError, UsageError
from annotator.job_context import JobContext
from annotator.usecases import audit_pictures, audit_shapes, audit_tags, findings, tag_round
from annotator.usecases.index import index_space, usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import Agreement, AuditResult, Finding
from annotator.usecases.space import choose_model, open_space
from annotator.usecases.truth import TagsOf, read_truth

PARTS = ("labels", "duplicates", "missing", "shapes", "agreement")
"""What an audit may look at."""


@dataclass(frozen=True)
class AuditRequest:
    """``parts`` of ``PARTS``, empty: all that the project has something for. ``against``: datasets of other annotators, by path;
    ``model``: which detector looks at boxes and masks."""

    parts: tuple[str, ...] = ()
    against: tuple[Path, ...] = ()
    model: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown:
            raise UsageError(f"An audit has no part {unknown[0]!r}.", f"The parts are: {', '.join(PARTS)}.")


def audit(parts: Parts, request: AuditRequest, context: JobContext) -> AuditResult:
    """Look at everything that is asked for. Raises AnnotatorError when there are too few tags and only these were asked for."""
    started = time.monotonic()
    notes: list[str] = []
    agreement: list[Agreement] = []
    asked = request.parts or PARTS
    alone = request.parts == ("labels",)
    name, weights = choose_model(parts, None, None)
    space = open_space(parts, name, weights=weights, device=request.device)
    index_space(parts, space, usable_ids(parts), context)
    context.progress(0, None, "Comparing")
    work = tag_round.open_workspace(parts, space, usable_ids(parts))
    found: list[Finding] = []
    if "labels" in asked:
        tags, compared = audit_tags.wrong_tags(parts, work)
        found += tags
        if not compared:
            _too_few(alone, notes)
    if "agreement" in asked:
        against = _outside(parts, request.against, context)
        differ, agreement = audit_tags.disagreements(parts, work.answers.groups, against)
        found += differ
    if "missing" in asked and (request.parts or audit_pictures.has_missing(work.answers.groups)):
        found += audit_pictures.missing_tags(parts, space, work.answers, context)
    if "shapes" in asked and audit_shapes.has_shapes(parts):
        found += _noted(lambda: audit_shapes.shapes(parts, request.model, request.device, context), notes, request)
    if "duplicates" in asked:
        found += audit_pictures.duplicates(parts, space, usable_ids(parts), context)
    result = AuditResult(tuple(found), time.monotonic() - started, {}, tuple(agreement), tuple(notes))
    if not parts.read_only:
        findings.write(parts, result)
    return findings.with_decisions(parts, result)


def _too_few(alone: bool, notes: list[str]) -> None:
    what = f"There are too few tags to compare: an audit needs {MIN_ANSWERS} of at least two labels of one exclusive group."
    if alone:
        raise AnnotatorError(what, "Tag more pictures first.")
    notes.append(what)


def _noted(look: Callable[[], list[Finding]], notes: list[str], request: AuditRequest) -> list[Finding]:
    """What ``look`` finds; where a model is missing that nobody asked for, a note instead."""
    try:
        return look()
    except AnnotatorError as error:
        if request.parts or request.model is not None:
            raise
        notes.append(str(error))
        return []


def _outside(parts: Parts, paths: Sequence[Path], context: JobContext) -> dict[str, TagsOf]:
    return {path.stem or str(path): read_truth(parts, path, None, context).tags for path in paths}
