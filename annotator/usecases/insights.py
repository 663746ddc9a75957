"""``project.review.insights``: the numbers behind the Insights screen, each read from the store when it is asked for.

Progress with a forecast, the learning curve by round, calibration, class balance, the confusion matrix, time per image, and how
verdicts fell by model version. ``as_table`` turns any of them into the rows of a CSV file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Decision, ImageState, Task
from annotator.learning.metrics import confusion as count_confusions
from annotator.pseudolabel.calibrate import MIN_VERDICTS, Reliability, reliability
from annotator.store.counters import ANNOTATION_LABEL, IMAGE_STATE
from annotator.usecases import answers as answers_room
from annotator.usecases import heads, tag_table
from annotator.usecases.parts import Parts
from annotator.usecases.results import Agreement
from annotator.usecases.review_view import ReviewView

Ids = NDArray[np.int64]
Row = tuple[object, ...]

PAUSE_S = 300.0
"""A gap between two answers from which a person was not working."""
POINTS = 200
LONGEST_S = 120.0
TIME_BINS = 24


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` images; ``moments`` (ISO times) and ``counts`` of the curve; ``per_hour`` of the hours that people
    worked, breaks left out, and the ``hours_left`` at that pace; None before anything can be said."""

    total: int
    done: int
    moments: tuple[str, ...]
    counts: tuple[int, ...]
    hours_worked: float
    per_hour: float | None
    hours_left: float | None


@dataclass(frozen=True)
class RoundPoint:
    """One round of learning. ``accuracy`` and ``previous`` are of held-out answers; ``released`` is False for a round that was
    rolled back."""

    head: int
    round: int
    labels: int
    accuracy: float | None
    standard_error: float | None
    previous: float | None
    basis: str
    recipe: str
    released: bool
    version: str
    created_at: str


@dataclass(frozen=True)
class CalibrationView:
    """How far the confidences of one label group can be believed. ``verdicts`` stand behind it, of the ``needed`` ones;
    ``raw`` and ``calibrated`` are the two reliability diagrams, ``by_label`` the temperature and the verdicts of each label."""

    group: str
    verdicts: int
    needed: int
    uncalibrated: bool
    temperature: float
    raw: Reliability
    calibrated: Reliability
    by_label: tuple[tuple[str, float, int], ...] = ()

    @property
    def ece_raw(self) -> float:
        """Expected calibration error of the model's own numbers."""
        return self.raw.error

    @property
    def ece(self) -> float:
        """Expected calibration error of the confidences."""
        return self.calibrated.error


@dataclass(frozen=True)
class LabelBalance:
    """How often a label occurs among annotations, and among open suggestions."""

    label_id: int
    name: str
    annotations: int
    suggestions: int


@dataclass(frozen=True)
class Confusion:
    """What the head said of held-out answers: ``counts`` (k, k), what people said in rows, the head in columns. The last row and
    column are "none of them" where it occurs. ``images(row, column)`` opens the pile behind a cell."""

    group: str
    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    truth: NDArray[np.int64] = field(repr=False)
    said: NDArray[np.int64] = field(repr=False)
    ids: Ids = field(repr=False)

    def images(self, row: int, column: int) -> Ids:
        """The images of one cell."""
        return self.ids[np.flatnonzero((self.truth == row) & (self.said == column))]


@dataclass(frozen=True)
class TimePerImage:
    """Seconds that a verdict took: ``edges`` (bins + 1,) and ``counts`` (bins,), the ``median`` and the number of ``verdicts``;
    ``days`` has (day, median, verdicts)."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    median: float | None
    verdicts: int
    days: tuple[tuple[str, float, int], ...]


@dataclass(frozen=True)
class ModelAcceptance:
    """How verdicts fell on one version of a model; ``share`` is that of the accepted ones."""

    model: str
    version: str
    task: str
    accepted: int
    corrected: int
    rejected: int
    first_run: int

    @property
    def share(self) -> float:
        return self.accepted / max(1, self.accepted + self.corrected + self.rejected)


class Insights:
    """Reads of figures. Methods may be called from any thread; none is quick enough for a paint."""

    def __init__(self, parts: Parts, review: ReviewView) -> None:
        self._parts = parts
        self._review = review

    def progress(self) -> Progress:
        """How far the work has come, and when it will be done at the pace so far."""
        with self._parts.db.read() as reader:
            states = reader.counters.of(IMAGE_STATE)
            moments = reader.annotations.first_answers()
        total = sum(states.get(state.value, 0) for state in _WORK)
        done = states.get(ImageState.DONE.value, 0)
        seconds = np.asarray([datetime.fromisoformat(each).timestamp() for each in moments], np.float64)
        gaps = np.diff(seconds)
        worked = float(gaps[gaps <= PAUSE_S].sum()) / 3600
        answered = int((gaps <= PAUSE_S).sum())
        per_hour = answered / worked if worked > 0 and answered else None
        left = None if per_hour is None else max(0, total - done) / per_hour
        at = sorted({round(each) for each in np.linspace(0, len(moments) - 1, min(POINTS, len(moments))).tolist()})
        return Progress(
            total,
            done,
            tuple(moments[each] for each in at),
            tuple(each + 1 for each in at),
            worked,
            per_hour,
            left,
        )

    def rounds(self) -> tuple[RoundPoint, ...]:
        """The learning curve: every round of tags, oldest first."""
        with self._parts.db.read() as reader:
            rows = reader.runs.heads(Task.TAGS)
        return tuple(
            RoundPoint(
                row.id,
                number,
                int(row.metrics.get("labels", 0)),
                row.metrics.get("accuracy"),
                row.metrics.get("standard_error"),
                row.metrics.get("previous"),
                str(row.metrics.get("basis", "")),
                str(row.metrics.get("recipe", "")),
                row.released,
                row.version,
                row.created_at,
            )
            for number, row in enumerate(rows, start=1)
        )

    def calibration(self) -> tuple[CalibrationView, ...]:
        """The reliability of the confidences that are shown, group by group; empty before the first run."""
        table = self._review.table()
        if table is None:
            return ()
        names = self._group_names()
        with self._parts.db.read() as reader:
            labels = {label.id: label.name for label in reader.labels.all()}
        views = []
        for at, each in enumerate(table.groups):
            evidence = tag_table.evidence(self._parts, table.run_id, at)
            calibration = each.calibration
            by_label = tuple(
                (labels.get(label_id, str(label_id)), temperature, verdicts)
                for label_id, temperature, verdicts in zip(
                    each.group.label_ids, calibration.by_label, calibration.label_verdicts, strict=False
                )
            )
            views.append(
                CalibrationView(
                    names.get(each.group.group_id, ""),
                    calibration.verdicts,
                    MIN_VERDICTS,
                    calibration.uncalibrated,
                    calibration.temperature,
                    reliability(evidence.raw, evidence.right),
                    reliability(evidence.confidence, evidence.right),
                    by_label,
                )
            )
        return tuple(views)

    def balance(self) -> tuple[LabelBalance, ...]:
        """Every label with how often it occurs, in the order of the panel."""
        with self._parts.db.read() as reader:
            labels = reader.labels.all()
            drawn = reader.counters.of(ANNOTATION_LABEL)
        suggested = self._review.open_counts()
        return tuple(
            LabelBalance(label.id, label.name, drawn.get(str(label.id), 0), suggested.get(label.id, 0))
            for label in labels
        )

    def confusion(self) -> tuple[Confusion, ...]:
        """What the head in use said of answers that it had not seen, for each exclusive group that has such answers."""
        answers = answers_room.read_answers(self._parts)
        names = self._group_names()
        by_id = {label.id: label.name for label in answers.labels}
        found = []
        for each in heads.released(self._parts):
            group = next((g for g in answers.groups if g.group_id == each.group_id and g.exclusive), None)
            held_out = each.previous.held_out
            if group is None or held_out is None or group.label_ids != each.label_ids:
                continue
            known = answers_room.known(answers, group)
            known = known.pick(~known.certified)
            ids, mine, theirs = np.intersect1d(known.ids, held_out.ids, return_indices=True)
            k = len(group.label_ids)
            truth = np.asarray(known.said, np.int64)[mine]
            said = np.asarray(held_out.said, np.int64)[theirs]
            truth, said = np.where(truth < 0, k, truth), np.where(said < 0, k, said)
            size = k + 1 if k in truth or k in said else k
            labels = [by_id[label_id] for label_id in group.label_ids] + ["none of them"] * (size - k)
            counts = count_confusions(said, truth, size)
            found.append(Confusion(names.get(group.group_id, ""), tuple(labels), counts, truth, said, ids))
        return tuple(found)

    def time_per_image(self) -> TimePerImage:
        """How long verdicts took, as far as it was measured."""
        with self._parts.db.read() as reader:
            timed = reader.verdicts.timed()
        seconds = np.asarray([each for _, each in timed], np.float64)
        counts, edges = np.histogram(np.minimum(seconds, LONGEST_S), bins=TIME_BINS, range=(0.0, LONGEST_S))
        by_day: defaultdict[str, list[float]] = defaultdict(list)
        for moment, each in timed:
            by_day[moment[:10]].append(each)
        days = tuple((day, float(np.median(each)), len(each)) for day, each in sorted(by_day.items()))
        median = float(np.median(seconds)) if len(seconds) else None
        return TimePerImage(tuple(edges.tolist()), tuple(counts.tolist()), median, len(seconds), days)

    def acceptance(self) -> tuple[ModelAcceptance, ...]:
        """Verdicts by model version, in the order of their first runs."""
        with self._parts.db.read() as reader:
            runs = {run.id: run for run in reader.runs.all()}
            judged = reader.verdicts.by_run()
        counts: defaultdict[tuple[str, str, str], Counter[Decision]] = defaultdict(Counter)
        first: dict[tuple[str, str, str], int] = {}
        for run_id, decision, number in judged:
            run = runs[run_id]
            key = run.model_id, run.model_version, run.task.value
            counts[key][decision] += number
            first[key] = min(first.get(key, run_id), run_id)
        return tuple(
            ModelAcceptance(
                *key,
                counts[key][Decision.ACCEPTED],
                counts[key][Decision.CORRECTED],
                counts[key][Decision.REJECTED],
                first[key],
            )
            for key in sorted(counts, key=lambda each: first[each])
        )

    def agreement(self) -> tuple[Agreement, ...]:
        """How far the project's annotators agree, and with whom the last audit compared them."""
        from annotator.usecases.audit_tags import agreements

        inside = agreements(self._parts)
        last = self._review.findings.last()
        own = {each.annotators for each in inside}
        outside = () if last is None else (each for each in last.agreement if each.annotators not in own)
        return (*inside, *outside)

    def _group_names(self) -> dict[int | None, str]:
        with self._parts.db.read() as reader:
            return {group.id: group.name for group in reader.labels.groups()}


_WORK = (ImageState.NEW, ImageState.IN_PROGRESS, ImageState.DONE)
