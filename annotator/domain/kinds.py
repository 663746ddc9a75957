"""The enumerations of the glossary. Their values are what the database, the formats and the JSON output store."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """What a model does."""

    TAGS = "tags"
    BOXES = "boxes"
    MASKS = "masks"
    KEYPOINTS = "keypoints"
    CAPTIONS = "captions"


CERTIFIABLE = (Task.TAGS, Task.BOXES, Task.MASKS)
"""Whose suggestions can be accepted under a certificate."""


class ImageState(StrEnum):
    """Where an image stands in the work."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    SKIPPED = "skipped"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class Split(StrEnum):
    """Which part of the dataset an image belongs to; images without a split train."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class Source(StrEnum):
    """How an annotation came to be."""

    DRAWN = "drawn"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    CERTIFIED = "certified"
    IMPORTED = "imported"


class FindingState(StrEnum):
    """What a person decided about a finding of the audit."""

    FIXED = "fixed"
    KEPT = "kept"
    SKIPPED = "skipped"


class Decision(StrEnum):
    """What a person decided about a suggestion."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"
