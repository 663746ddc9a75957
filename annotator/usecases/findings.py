"""``project.review.findings``: what the last audit found, and the three answers to it: fix, keep, skip.

Each answer is an edit with the decision in it, so that undo brings the finding back. Fixing changes what the finding names and
nothing else; keeping says that it is right as it is, and the same finding is never listed again; skipping puts it last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

from annotator.domain.geometry import from_json
from annotator.domain.kinds import FindingState, Split
from annotator.domain.page import Page
from annotator.domain.records import FindingDecision, new_annotation, now
from annotator.edits import (
    Edit,
    FindingChange,
    Vocabulary,
    change_geometry,
    change_label,
    delete,
    draw,
    resolve,
    set_split,
    set_tag,
    skip,
)
from annotator.errors import AnnotatorError
from annotator.usecases.parts import Parts
from annotator.usecases.results import Agreement, AuditResult, Finding

Pages: TypeAlias = Callable[[int], Page]

LABEL, FOLDER, MISSING, SHAPE, DUPLICATE, DISAGREEMENT = (
    "label",
    "folder",
    "missing",
    "shape",
    "duplicate",
    "disagreement",
)
KINDS = (LABEL, FOLDER, MISSING, SHAPE, DUPLICATE, DISAGREEMENT)
MOVE_TO, SKIP_IMAGE, REMOVE = "move to ", "skip the copy", "delete it"


def key_of(kind: str, image_id: int, *facts: object) -> str:
    """The name of a finding: the same as long as it says the same."""
    text = "/".join([kind, str(image_id), *map(str, facts)])
    return f"{kind}-{image_id}-{blake2b(text.encode(), digest_size=12).hexdigest()}"


class Findings:
    """Reads of the last audit and builders of the answers. Methods may be called from any thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def last(self) -> AuditResult | None:
        """What the last audit found, without what was fixed or kept since; None before the first and without the cache."""
        result = read(self._parts)
        return None if result is None else self.still_open(result)

    def still_open(self, result: AuditResult) -> AuditResult:
        """``result`` without findings that a person has fixed or kept; the skipped ones come last."""
        return with_decisions(self._parts, result)

    def fix(self, findings: Sequence[Finding], page: Pages) -> Edit:
        """Do to each what its ``fix`` says, as one edit. Raises ``AnnotatorError`` for one that cannot be fixed by a key."""
        vocabulary = self._vocabulary()
        pages: dict[int, Page] = {}
        edits: list[Edit] = []
        for finding in findings:
            current = pages.get(finding.image_id) or page(finding.image_id)
            edit = self._fixed(finding, current, vocabulary)
            pages[finding.image_id] = resolve.after(current, edit)
            edits.append(edit)
        one = edits[0].title if len(edits) == 1 else f"Fix {len(edits)} findings"
        joined = resolve.joined(one, edits, self._parts.annotator)
        return replace(joined, changes=(*joined.changes, *self._decisions(findings, FindingState.FIXED)))

    def keep(self, findings: Sequence[Finding]) -> Edit:
        """They are right as they are."""
        return self._only(findings, FindingState.KEPT, "Keep")

    def skip(self, findings: Sequence[Finding]) -> Edit:
        """Leave them for later."""
        return self._only(findings, FindingState.SKIPPED, "Skip")

    def _only(self, findings: Sequence[Finding], state: FindingState, verb: str) -> Edit:
        title = f"{verb} a finding" if len(findings) == 1 else f"{verb} {len(findings)} findings"
        image_id = findings[0].image_id if len({each.image_id for each in findings}) == 1 else None
        return Edit(title, image_id, tuple(self._decisions(findings, state)), self._parts.annotator)

    def _decisions(self, findings: Iterable[Finding], state: FindingState) -> list[FindingChange]:
        with self._parts.db.read() as reader:
            before = reader.findings.decided()
        moment, annotator = now(), self._parts.annotator
        return [
            FindingChange(
                before.get(each.key), FindingDecision(each.key, each.image_id, each.kind, state, annotator, moment)
            )
            for each in findings
        ]

    def _fixed(self, finding: Finding, page: Page, vocabulary: Vocabulary) -> Edit:
        annotator = self._parts.annotator
        if not finding.fix:
            raise AnnotatorError(f"{finding.uri}: no key can fix this.", "Change it on the canvas, keep it or skip it.")
        if finding.kind == DUPLICATE:
            if finding.fix.startswith(MOVE_TO):
                return set_split((page.image,), Split(finding.fix.removeprefix(MOVE_TO)), annotator=annotator)
            return skip((page.image,), annotator=annotator)
        if finding.kind == SHAPE:
            return _fixed_shape(finding, page, vocabulary, annotator)
        label_id = _label_id(finding.other, vocabulary)
        return set_tag(page, label_id, vocabulary, annotator=annotator)

    def _vocabulary(self) -> Vocabulary:
        with self._parts.db.read() as reader:
            return Vocabulary.of(reader.labels.all(), reader.labels.groups())


def _fixed_shape(finding: Finding, page: Page, vocabulary: Vocabulary, annotator: str) -> Edit:
    """Another label or another outline for an annotation, one more, or one less."""
    if finding.annotation is None:
        assert finding.geometry is not None
        label_id = _label_id(finding.other, vocabulary)
        return draw(page, new_annotation(page.image.id, label_id, from_json(dict(finding.geometry)), annotator))
    annotation_id = UUID(finding.annotation)
    if not any(each.id == annotation_id for each in page.annotations):
        raise AnnotatorError(f"{finding.uri}: what this finding is about is gone.", "Run the audit again.")
    if finding.fix == REMOVE:
        return delete(page, (annotation_id,), annotator=annotator)
    if finding.geometry is not None:
        return change_geometry(page, annotation_id, from_json(dict(finding.geometry)), annotator=annotator)
    return change_label(page, (annotation_id,), _label_id(finding.other, vocabulary), annotator=annotator)


def _label_id(name: str, vocabulary: Vocabulary) -> int:
    for label in vocabulary.labels.values():
        if label.name == name:
            return label.id
    raise AnnotatorError(f'There is no label "{name}" any more.', "Run the audit again.")


def with_decisions(parts: Parts, result: AuditResult) -> AuditResult:
    """``result`` as people's decisions leave it."""
    with parts.db.read() as reader:
        decided = {key: each.state for key, each in reader.findings.decided().items()}
    listed = [each for each in result.findings if decided.get(each.key) not in (FindingState.FIXED, FindingState.KEPT)]
    now_open = [replace(each, state="") for each in listed if each.key not in decided]
    skipped = [replace(each, state=FindingState.SKIPPED.value) for each in listed if each.key in decided]
    counts = Counter(each.kind for each in listed)
    return replace(
        result, findings=(*now_open, *skipped), counts={kind: counts[kind] for kind in KINDS if counts[kind]}
    )


def write(parts: Parts, result: AuditResult) -> None:
    """Keep the result in the cache, for the Audit pile; it can always be computed again."""
    folder = parts.cache / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "findings.part"
    unfinished.write_text(json.dumps(asdict(result)), encoding="utf-8")
    unfinished.replace(folder / "findings.json")


def read(parts: Parts) -> AuditResult | None:
    """The result of the last audit as it was; None where there is none or the cache is damaged."""
    try:
        kept = json.loads((parts.cache / "audit" / "findings.json").read_text(encoding="utf-8"))
        return AuditResult(
            tuple(_finding(each) for each in kept["findings"]),
            float(kept["seconds"]),
            dict(kept["counts"]),
            tuple(Agreement(**{**each, "annotators": tuple(each["annotators"])}) for each in kept["agreement"]),
            tuple(kept["notes"]),
        )
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _finding(data: dict[str, Any]) -> Finding:
    where = data["where"]
    return Finding(**{**data, "where": None if where is None else tuple(where)})
