"""``project.audit``: a ranked list of what looks wrong in the tags, and of pictures that are there twice. Changes nothing."""

from __future__ import annotations

import time

import numpy as np

from annotator.audit import duplicates as copies
from annotator.audit.tags import MIN_ANSWERS, margins
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.neighbours import nearest
from annotator.learning.pool import Pool
from annotator.usecases import findings, tag_round
from annotator.usecases.index import index_space, usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import AuditResult, Finding
from annotator.usecases.space import Space, choose_model, open_space

NEIGHBOURS = 5


def audit(parts: Parts, *, labels: bool, duplicates: bool, device: str, context: JobContext) -> AuditResult:
    """Findings, the worst first: wrong tags, then duplicates. Raises AnnotatorError when there are too few tags to compare."""
    started = time.monotonic()
    name, weights = choose_model(parts, None, None)
    space = open_space(parts, name, weights=weights, device=device)
    index_space(parts, space, usable_ids(parts), context)
    context.progress(0, None, "Comparing")
    found = _wrong_tags(parts, space, alone=not duplicates) if labels else []
    if duplicates:
        found += _copies(parts, space)
    result = AuditResult(tuple(found), time.monotonic() - started)
    if not parts.read_only:
        findings.write(parts, result)
    return findings.with_decisions(parts, result)


def _wrong_tags(parts: Parts, space: Space, *, alone: bool) -> list[Finding]:
    work = tag_round.open_workspace(parts, space, usable_ids(parts))
    with parts.db.read() as reader:
        names = {label.id: label.name for label in reader.labels.all()}
    found: list[Finding] = []
    compared = False
    for group in work.answers.groups:
        problem, _ = tag_round.problem_of(work, group)
        if problem.classes is None:
            continue
        tagged = problem.classes >= 0
        rows, classes = problem.labelled[tagged], problem.classes[tagged]
        if len(rows) < MIN_ANSWERS or len(np.unique(classes)) < 2:
            continue
        compared = True
        result = margins(work.pool.components[rows], classes)
        with parts.db.read() as reader:
            uris = {each.id: each.uri for each in reader.images.many(work.pool.ids[rows].tolist())}
        for at in np.argsort(-result.margin, kind="stable").tolist():
            if result.margin[at] <= 0:
                break
            image_id = int(work.pool.ids[rows[at]])
            given, other = names[group.label_ids[classes[at]]], names[group.label_ids[result.other[at]]]
            reason = f"tagged {given}, looks like {other} ({100 * result.p[at]:.0f}%)"
            key = findings.key_of(findings.LABEL, image_id, given, other)
            found.append(
                Finding(
                    findings.LABEL,
                    image_id,
                    uris[image_id],
                    float(result.margin[at]),
                    reason,
                    given,
                    other,
                    key,
                    f"tag it {other}",
                )
            )
    if not compared and alone:
        raise AnnotatorError(
            f"There are too few tags to compare: an audit needs {MIN_ANSWERS} of at least two labels of one exclusive group.",
            "Tag more pictures first.",
        )
    return sorted(found, key=lambda each: -each.score)


def _copies(parts: Parts, space: Space) -> list[Finding]:
    ids = usable_ids(parts)
    ids = np.sort(ids[space.store.have(ids)])
    with parts.db.read() as reader:
        images = {each.id: each for each in reader.images.many(ids.tolist())}
    same = copies.same_files({each.id: each.content_hash for each in images.values()})
    pairs = [(a, b, 1.0, "the same file as") for a, b in same]
    if len(ids) > 1:
        pool = Pool(ids, space.store.get(ids))
        alike = copies.look_alikes(ids, *nearest(pool.components, NEIGHBOURS))
        known = set(same)
        pairs += [(a, b, cosine, "looks almost like") for a, b, cosine in alike if (a, b) not in known]
    found = []
    for a, b, score, words in pairs:
        splits = images[a].split, images[b].split
        apart = f", and they are in {splits[0]} and {splits[1]}" if all(splits) and splits[0] != splits[1] else ""
        fix = f"{findings.MOVE_TO}{splits[0]}" if apart else findings.SKIP_IMAGE
        key = findings.key_of(findings.DUPLICATE, b, a, apart)
        reason = f"{words} {images[a].uri}{apart}"
        found.append(Finding(findings.DUPLICATE, b, images[b].uri, score, reason, "", images[a].uri, key, fix))
    return found
