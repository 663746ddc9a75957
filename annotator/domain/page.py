"""All that is known of one image: what the window shows, and what edits are applied to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from annotator.domain.kinds import Task
from annotator.domain.records import Annotation, Image, Suggestion, Verdict


@dataclass(frozen=True, slots=True)
class Page:
    """``annotations`` are in drawing order, bottom first; ``suggestions`` are the open ones, most confident first;
    ``verdicts`` are those in force on this image, oldest first; ``done`` are the tasks a person called complete."""

    image: Image
    annotations: tuple[Annotation, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    done: frozenset[Task] = frozenset()


def annotation_order(annotation: Annotation) -> tuple[int, str, bytes]:
    """The key of the drawing order."""
    return annotation.z_order, annotation.created_at, annotation.id.bytes


def suggestion_order(suggestion: Suggestion) -> tuple[float, bytes]:
    """The key of the order of suggestions."""
    return -suggestion.confidence, suggestion.id.bytes


def verdict_order(verdict: Verdict) -> tuple[str, bytes]:
    """The key of the order of verdicts."""
    return verdict.created_at, verdict.suggestion_id.bytes


def in_terms_of(suggestion: Suggestion, aliases: Mapping[int, int | None]) -> Suggestion | None:
    """The suggestion in terms of labels that still exist; None when its most probable label is gone.

    ``aliases`` names for each label that went the one that it was merged into, or None.
    """
    merged: dict[int, float] = {}
    for label, probability in suggestion.distribution:
        target = aliases.get(label, label)
        if target is not None:
            merged[target] = merged.get(target, 0.0) + probability
    if not merged or (suggestion.label_id in aliases and aliases[suggestion.label_id] is None):
        return None
    first = aliases.get(suggestion.label_id, suggestion.label_id)
    order = sorted(merged.items(), key=lambda pair: (pair[0] != first, -pair[1]))
    return replace(suggestion, distribution=tuple(order))
