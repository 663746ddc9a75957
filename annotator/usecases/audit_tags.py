"""The audit of tags: answers that a model contradicts, labels whose images are mixed up, and annotators who differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from annotator.audit.agreement import cohen_kappa, krippendorff_alpha
from annotator.audit.folders import mixed_up
from annotator.audit.tags import MIN_ANSWERS, margins
from annotator.domain.geometry import GeometryKind
from annotator.edits import AnnotationChange, codec
from annotator.pseudolabel.suggest import TagGroup
from annotator.store.edit_log import EditKind
from annotator.usecases import findings, tag_round
from annotator.usecases.parts import Parts
from annotator.usecases.results import Agreement, Finding
from annotator.usecases.tag_round import Workspace
from annotator.usecases.truth import TagsOf

Ids = NDArray[np.int64]
Said = dict[int, dict[str, str]]
"""Image to annotator to the label that they gave it last."""
PROJECT = "this project"


def wrong_tags(parts: Parts, work: Workspace) -> tuple[list[Finding], bool]:
    """Findings of kinds label and folder, the worst first, and whether there was enough to compare."""
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
        names = [label.name for label in work.answers.members(group)]
        ids = work.pool.ids[rows]
        uris = _uris(parts, ids)
        found += _contradicted(work, rows, classes, ids, names, uris)
        if problem.zero_shot is not None:
            mixed = mixed_up(work.pool.components[rows], classes, problem.zero_shot, work.pool.components)
            for at in np.flatnonzero(mixed.wrong)[np.argsort(-mixed.score[mixed.wrong], kind="stable")].tolist():
                given, other = names[classes[at]], names[mixed.other[at]]
                share = f"{100 * mixed.share[classes[at]]:.0f}%"
                reason = (
                    f"tagged {given}, but its name and its looks say {other}, as of {share} of those tagged {given}"
                )
                found.append(_tag_finding(findings.FOLDER, int(ids[at]), uris, mixed.score[at], reason, given, other))
    return found, compared


def _contradicted(
    work: Workspace, rows: Ids, classes: Ids, ids: Ids, names: list[str], uris: Mapping[int, str]
) -> Iterator[Finding]:
    result = margins(work.pool.components[rows], classes)
    for at in np.argsort(-result.margin, kind="stable").tolist():
        if result.margin[at] <= 0:
            return
        given, other = names[classes[at]], names[result.other[at]]
        reason = f"tagged {given}, looks like {other} ({100 * result.p[at]:.0f}%)"
        yield _tag_finding(findings.LABEL, int(ids[at]), uris, result.margin[at], reason, given, other)


def _tag_finding(
    kind: str, image_id: int, uris: Mapping[int, str], score: float, reason: str, given: str, other: str
) -> Finding:
    key = findings.key_of(kind, image_id, given, other)
    return Finding(kind, image_id, uris[image_id], float(score), reason, given, other, key, f"tag it {other}")


def disagreements(
    parts: Parts, groups: tuple[TagGroup, ...], against: Mapping[str, TagsOf]
) -> tuple[list[Finding], list[Agreement]]:
    """What was said differently of one image, and how far annotators agree, group by group: the project's own among each other,
    and the project with each of ``against``.

    The words of the project's own annotators are in the log of edits, also those that another's have replaced since, or repeated.
    Whoever agrees with a tag and leaves it as it is has said nothing: such a picture is not counted.
    """
    log = _words(parts)
    with parts.db.read() as reader:
        labels = {label.id: label for label in reader.labels.all()}
        group_names = {group.id: group.name for group in reader.labels.groups()}
        tagged = sorted({image for answers in against.values() for image in answers} | set(log))
        stands = reader.annotations.tags_on(tagged)
    uris = _uris(parts, np.asarray(tagged, np.int64))
    found: list[Finding] = []
    figures: list[Agreement] = []
    for group in groups:
        if not group.exclusive:
            continue
        names = {labels[label_id].name for label_id in group.label_ids}
        given = {
            image: labels[label_id].name
            for image, label_ids in stands.items()
            for label_id in label_ids
            if label_id in group.label_ids
        }
        outside = _outside(against, names)
        both = {image: {PROJECT: given[image], **words} for image, words in outside.items() if image in given}
        inside = {image: {who: word for who, word in words.items() if word in names} for image, words in log.items()}
        figures += among(group_names.get(group.group_id or 0, ""), inside)
        if both:
            figures.append(_agreement(group_names.get(group.group_id or 0, ""), both))
        for image in sorted(set(inside) | set(both)):
            words = {**inside.get(image, {}), **both.get(image, {})}
            if len(inside.get(image, {})) > 0:
                words.pop(PROJECT, None)
            if len(set(words.values())) > 1:
                found.append(_disagreement(image, uris[image], words, given.get(image, "")))
    return found, figures


def _outside(against: Mapping[str, TagsOf], names: set[str]) -> Said:
    """Image to each outside annotator's one label of the group."""
    found: Said = {}
    for who, answers in against.items():
        for image, words in answers.items():
            mine = sorted(words & names)
            if len(mine) == 1:
                found.setdefault(image, {})[who] = mine[0]
    return found


def _disagreement(image: int, uri: str, words: Mapping[str, str], given: str) -> Finding:
    said = ", ".join(f"{who} says {word}" for who, word in sorted(words.items()))
    counts = {word: list(words.values()).count(word) for word in words.values()}
    other = max((word for word in counts if word != given), key=lambda each: (counts[each], each))
    key = findings.key_of(findings.DISAGREEMENT, image, said, given)
    return Finding(findings.DISAGREEMENT, image, uri, float(len(counts)), said, given, other, key, f"tag it {other}")


def agreements(parts: Parts) -> list[Agreement]:
    """How far the project's own annotators agree, by exclusive group; nothing where only one person has worked."""
    log = _words(parts)
    if not log:
        return []
    with parts.db.read() as reader:
        labels, groups = reader.labels.all(), reader.labels.groups()
    found: list[Agreement] = []
    for group in groups:
        names = {label.name for label in labels if label.group_id == group.id}
        if group.exclusive:
            said = {image: {who: word for who, word in words.items() if word in names} for image, words in log.items()}
            found += among(group.name, said)
    return found


def among(group: str, said: Said) -> list[Agreement]:
    """The figure for images that two or more people answered; nothing where there are none."""
    both = {image: words for image, words in said.items() if len(words) > 1}
    return [_agreement(group, both)] if both else []


def _agreement(group: str, both: Said) -> Agreement:
    people = tuple(sorted({who for words in both.values() for who in words}))
    kappa: dict[str, float | None] = {}
    shared: dict[str, int] = {}
    for at, first in enumerate(people):
        for second in people[at + 1 :]:
            pairs = [(words[first], words[second]) for words in both.values() if first in words and second in words]
            if pairs:
                shared[f"{first}, {second}"] = len(pairs)
                kappa[f"{first}, {second}"] = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
    alpha = krippendorff_alpha({image: tuple(words.values()) for image, words in both.items()})
    return Agreement(group, people, len(both), kappa, alpha, shared)


def _words(parts: Parts) -> Said:
    """The last tag that each annotator gave to each image, from the log; nothing where only one person has worked."""
    found: Said = {}
    with parts.db.read() as reader:
        if len(reader.edits.annotators()) < 2:
            return {}
        names = {label.id: label.name for label in reader.labels.all()}
        for line in reader.edits.lines():
            if line.kind is EditKind.UNDO:
                continue
            for change in codec.load_changes(line.payload):
                if (
                    isinstance(change, AnnotationChange)
                    and change.after is not None
                    and change.after.kind is GeometryKind.TAG
                    and change.after.label_id in names
                ):
                    tag = change.after
                    found.setdefault(tag.image_id, {})[line.annotator] = names[tag.label_id]
    return found


def _uris(parts: Parts, ids: Ids) -> dict[int, str]:
    with parts.db.read() as reader:
        return {each.id: each.uri for each in reader.images.many(ids.tolist())}
