"""Images of a dataset are written into the project, a batch at a time inside one transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from uuid import UUID

from annotator.domain.geometry import Caption, GeometryKind
from annotator.domain.kinds import Decision, ImageState, Split, Task
from annotator.domain.palette import label_color
from annotator.domain.records import Annotation, Label, Suggestion, Verdict, new_id, now
from annotator.errors import FormatError
from annotator.formats.dataset import DatasetAnnotation, DatasetImage
from annotator.store.session import Writer
from annotator.usecases.import_labels import LEFT_OUT
from annotator.usecases.import_report import ANNOTATED, ANSWERED, NOT_WANTED, TWICE, LeftOut
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import CAPTION_LABEL, FOREIGN_CONFIDENCE, FOREIGN_FIELDS

REJECTIONS = "rejections"
CAPTION = "caption"
"""Name of the label that captions get, which have none where they come from."""
TASK_OF = {GeometryKind.TAG: Task.TAGS, GeometryKind.BOX: Task.BOXES, GeometryKind.ROTATED_BOX: Task.BOXES}
TASK_OF |= {GeometryKind.KEYPOINTS: Task.KEYPOINTS, GeometryKind.CAPTION: Task.CAPTIONS}
_PERSONS = frozenset({ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE, ImageState.SKIPPED})


@dataclass(frozen=True)
class ImportRequest:
    """What to read, and as what. ``labels``: names of the dataset to names of the project, empty for those to leave out; all
    others are matched by name. ``leave_annotated``: pictures that have annotations stay as they are."""

    path: Path
    format: str | None = None
    as_: Literal["annotations", "suggestions"] = "annotations"
    skip_bad: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    leave_annotated: bool = False


@dataclass
class Progress:
    """What an import has done so far."""

    images: set[int] = field(default_factory=set)
    annotations: int = 0
    unknown: list[str] = field(default_factory=list)
    twice: int = 0
    answered: int = 0
    left_alone: int = 0
    done: dict[Task, list[int]] = field(default_factory=dict)
    splits: dict[Split, list[int]] = field(default_factory=dict)
    frames: dict[int, tuple[str, int]] = field(default_factory=dict)
    captions: bool = False
    touched: list[int] = field(default_factory=list)
    flagged: list[int] = field(default_factory=list)
    notes: list[tuple[int, DatasetImage]] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)


class Intake:
    """Writes matched images in batches inside the import's transaction."""

    def __init__(
        self,
        parts: Parts,
        writer: Writer,
        labels: dict[str, Label],
        exclusive: set[int],
        progress: Progress,
        request: ImportRequest,
        origin: str,
    ) -> None:
        self._parts = parts
        self._writer = writer
        self._labels = labels
        self._exclusive = exclusive
        self._progress = progress
        self._as = request.as_
        self._request = request
        groups: defaultdict[int | None, set[int]] = defaultdict(set)
        for label in labels.values():
            groups[label.group_id].add(label.id)
        self._groups = groups
        self._origin = origin
        self._runs: dict[tuple[Task, str], int] = {}
        self._written: Counter[int] = Counter()
        self._refused: set[tuple[int, int]] | None = None
        self._foreign: dict[int, Mapping[str, object]] = {}
        self._ids: Iterator[UUID] = iter(())

    def take(self, batch: Sequence[tuple[int, DatasetImage]]) -> None:
        """Write one batch."""
        before = self._writer.annotations.for_images([image_id for image_id, _ in batch])
        annotations: list[Annotation] = []
        suggestions: list[Suggestion] = []
        rejected: list[tuple[Suggestion, str]] = []
        lost: list[tuple[DatasetAnnotation, str]] = []
        moment = now()
        # Ids in order: annotations of one moment are drawn, listed and exported in the order of their ids.
        count = sum(len(image.annotations) for _, image in batch)
        self._ids = iter(sorted((new_id() for _ in range(count)), key=lambda each: each.int))
        for image_id, image in batch:
            if self._stays(image_id, image, before):
                continue
            self._note(image_id, image)
            have: defaultdict[int, list[Annotation]] = defaultdict(list)
            for known in before.get(image_id, ()):
                have[known.label_id].append(known)
            for each in image.annotations:
                label = self._label_of(each, image)
                if label is None:
                    lost.append((each, NOT_WANTED))
                elif each.decision is Decision.REJECTED:
                    if self._is_new_rejection(image_id, label):
                        rejected.append((self._suggestion(image_id, label, each, REJECTIONS), each.annotator))
                    else:
                        lost.append((each, TWICE))
                elif self._as == "suggestions" or each.suggested:
                    suggestions.append(self._suggestion(image_id, label, each))
                elif why := self._why_not(label, each, have):
                    lost.append((each, why))
                else:
                    annotation = self._annotation(image_id, label, each, moment)
                    have[label.id].append(annotation)
                    annotations.append(annotation)
            if lost:
                self._progress.left_out.annotations(image, lost)
                lost = []
        self._writer.annotations.add_many(annotations)
        self._writer.suggestions.add_many([*suggestions, *(one for one, _ in rejected)])
        self._writer.verdicts.add_many(
            [
                Verdict(one.id, one.image_id, Decision.REJECTED, None, who or self._parts.annotator, moment)
                for one, who in rejected
            ]
        )
        self._progress.annotations += len(annotations) + len(suggestions) + len(rejected)
        self._remember_fields()

    def _stays(self, image_id: int, image: DatasetImage, before: Mapping[int, Sequence[Annotation]]) -> bool:
        """Whether the picture is to stay as it is, because it had annotations before this import."""
        if not self._request.leave_annotated or image_id in self._progress.images or not before.get(image_id):
            return False
        self._progress.left_alone += 1
        self._progress.left_out.annotations(image, [(one, ANNOTATED) for one in image.annotations])
        return True

    def _label_of(self, each: DatasetAnnotation, image: DatasetImage) -> Label | None:
        """The label that the annotation gets; None when a person leaves its label out."""
        if not each.label and isinstance(each.geometry, Caption):
            return self._caption_label()
        name = self._request.labels.get(each.label, each.label)
        if name == LEFT_OUT and each.label:
            return None
        if name not in self._labels:
            raise FormatError(f"{image.name} has the label {each.label!r}, which the dataset does not list.")
        return self._labels[name]

    def _caption_label(self) -> Label:
        """The label of captions, made when the first one comes."""
        label = self._labels.get(CAPTION)
        if label is None:
            groups = self._writer.labels.groups()
            position = len(self._labels)
            label = Label(0, CAPTION, label_color(position), position, group_id=groups[0].id)
            label = self._labels[CAPTION] = replace(label, id=self._writer.labels.add(label))
            self._progress.captions = True
        self._writer.settings.set(CAPTION_LABEL, label.id)
        return label

    def _remember_fields(self) -> None:
        """Keep what the format said of the images beside what we know, for the way back."""
        kept = {image.id: image.metadata for image in self._writer.images.many(self._foreign)}
        self._writer.images.set_metadata(
            {
                image_id: {**kept[image_id], FOREIGN_FIELDS: {**kept[image_id].get(FOREIGN_FIELDS, {}), **fields}}
                for image_id, fields in self._foreign.items()
            }
        )
        self._foreign = {}

    def finish(self) -> None:
        """Splits, sequences, states and the figures of runs, once everything is in."""
        progress = self._progress
        for split, ids in progress.splits.items():
            self._writer.images.set_split(ids, split)
        self._writer.images.set_info(
            {"id": image_id, "sequence": sequence, "frame": frame}
            for image_id, (sequence, frame) in progress.frames.items()
        )
        self._writer.images.set_flag(progress.flagged, True)
        self._take_notes()
        if self._as == "annotations":
            done = {i for ids in progress.done.values() for i in ids}
            usable = {i.id for i in self._writer.images.many(sorted(progress.images)) if i.state in _PERSONS}
            for task, ids in progress.done.items():
                self._writer.images.set_done(ids, task)
            self._writer.images.set_state(sorted(done & usable), ImageState.DONE)
            begun = [i for i in dict.fromkeys(progress.touched) if i not in done and i in usable]
            self._writer.images.set_state(begun, ImageState.IN_PROGRESS)
        for (task, purpose), run_id in self._runs.items():
            if purpose != REJECTIONS:
                self._writer.suggestions.supersede(task, sorted(progress.images), keep_run=run_id)
            self._writer.runs.progress(run_id, len(progress.images), self._written[run_id], finished=True)

    def _take_notes(self) -> None:
        """Notes of the dataset where nobody has written one yet."""
        notes = self._progress.notes
        written = {image.id: image.note for image in self._writer.images.many([image_id for image_id, _ in notes])}
        for image_id, image in notes:
            if not written[image_id]:
                self._writer.images.set_note(image_id, image.note)
            elif written[image_id] != image.note:
                self._progress.left_out.field("note", "its picture has another note here", image.name)

    def _note(self, image_id: int, image: DatasetImage) -> None:
        progress = self._progress
        progress.images.add(image_id)
        if any(image.extra.values()):
            self._foreign[image_id] = image.extra
        if image.split is not None:
            progress.splits.setdefault(image.split, []).append(image_id)
        if image.flagged:
            progress.flagged.append(image_id)
        if image.note:
            progress.notes.append((image_id, image))
        if image.sequence:
            progress.frames[image_id] = (image.sequence, image.frame)
        if image.done and self._as == "annotations":
            tasks = {TASK_OF.get(a.geometry.kind, Task.MASKS) for a in image.annotations if not a.suggested}
            for task in tasks or {Task.BOXES}:
                progress.done.setdefault(task, []).append(image_id)
        if any(not a.suggested for a in image.annotations):
            progress.touched.append(image_id)

    def _why_not(self, label: Label, each: DatasetAnnotation, have: Mapping[int, Sequence[Annotation]]) -> str:
        """Why it stays out: the image says it already, or has a person's tag of the exclusive group. ``have`` is by label."""
        if label.id in have and any(a.geometry == each.geometry for a in have[label.id]):
            self._progress.twice += 1
            return TWICE
        if each.geometry.kind is GeometryKind.TAG and label.group_id in self._exclusive:
            members = self._groups[label.group_id]
            if any(a.kind is GeometryKind.TAG for member in members for a in have.get(member, ())):
                self._progress.answered += 1
                return ANSWERED
        return ""

    def _annotation(self, image_id: int, label: Label, each: DatasetAnnotation, moment: str) -> Annotation:
        if each.geometry.kind is GeometryKind.TAG and label.group_id in self._exclusive:
            self._progress.done.setdefault(Task.TAGS, []).append(image_id)
        extra = each.extra if each.confidence is None else {**each.extra, FOREIGN_CONFIDENCE: each.confidence}
        return Annotation(
            next(self._ids),
            image_id,
            label.id,
            each.geometry,
            attributes=each.attributes,
            track_id=each.track_id,
            z_order=each.z_order,
            annotator=each.annotator,
            created_at=moment,
            updated_at=moment,
            extra=extra,
            source=each.source,
        )

    def _is_new_rejection(self, image_id: int, label: Label) -> bool:
        """Whether nobody has rejected this tag of the image yet."""
        if self._refused is None:
            self._refused = {(image, label_id) for image, label_id, _ in self._writer.verdicts.rejected_tags()}
        if (image_id, label.id) in self._refused:
            self._progress.twice += 1
            return False
        self._refused.add((image_id, label.id))
        return True

    def _suggestion(
        self, image_id: int, label: Label, each: DatasetAnnotation, purpose: str = "suggestions"
    ) -> Suggestion:
        """One of a run of its task; rejected ones have a run of their own, because it replaces no open suggestions."""
        task = TASK_OF.get(each.geometry.kind, Task.MASKS)
        if (task, purpose) not in self._runs:
            self._runs[task, purpose] = self._writer.runs.start(task, self._origin, "")
        run_id = self._runs[task, purpose]
        self._written[run_id] += 1
        sure = 1.0 if each.confidence is None else min(1.0, max(0.0, each.confidence))
        group_id = label.group_id if task is Task.TAGS else None
        return Suggestion(
            new_id(), run_id, image_id, each.geometry, ((label.id, sure),), sure, sure,
            task=task, group_id=group_id, uncalibrated=True,
        )  # fmt: skip
