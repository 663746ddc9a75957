"""A round of tags: fit a head per label group to all answers, release it if it is not worse, suggest anew, re-rank, tell."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotator.domain.kinds import Task
from annotator.domain.records import Head, now
from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.learning.rounds import Decision, Previous, Round
from annotator.pseudolabel.gate import Gate
from annotator.pseudolabel.rounds import Option, Trial, gated_round
from annotator.pseudolabel.suggest import TagGroup
from annotator.usecases import heads, tag_round, tag_table
from annotator.usecases.calibration import Prediction
from annotator.usecases.heads import GroupHead
from annotator.usecases.index import index_space, usable_ids
from annotator.usecases.parts import Parts
from annotator.usecases.results import RoundChange, TrainResult
from annotator.usecases.round_words import rolled_back
from annotator.usecases.settings_view import TAG_RUN, TRAIN_OPTIONS
from annotator.usecases.space import choose_model, open_space
from annotator.usecases.tag_round import Workspace
from annotator.usecases.tag_table import TagTable


@dataclass(frozen=True)
class _Fitted:
    """One group's round; ``kept`` is the head that stays in use when the new one is not released."""

    group: TagGroup
    round: Round
    kept: GroupHead | None
    n_labelled: int
    trained: np.ndarray[Any, np.dtype[np.int64]]
    gate: Gate | None = None
    trials: tuple[Trial, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether a head is in use after the round: neither a new nor an old one is while the first guesses are better."""
        return self.round.decision.released or self.kept is not None

    @property
    def messages(self) -> list[str]:
        """What the person should know of the round: its figures, and how the options did."""
        return [self.round.decision.message, *(trial.message for trial in self.trials)]


def train(parts: Parts, *, device: str, context: JobContext) -> TrainResult:
    """Learn from everything that was decided so far."""
    started = time.monotonic()
    name, weights = choose_model(parts, None, None)
    space = open_space(parts, name, weights=weights, device=device)
    ids = usable_ids(parts)
    index_space(parts, space, ids, context)
    context.progress(0, None, "Learning from verdicts")
    work = tag_round.open_workspace(parts, space, ids)
    in_use = heads.load_released(parts, space)
    with parts.db.read() as reader:
        options = Option.named(reader.settings.get(TRAIN_OPTIONS, ()))
    tried = (_fit(work, group, in_use, options, context) for group in work.answers.groups)
    fitted = [each for each in tried if each is not None]
    if not fitted:
        raise AnnotatorError("There are no tags to learn from yet.", "Accept or correct a few suggestions first.")
    released = any(each.round.decision.released for each in fitted)
    head_id, number = _store(parts, work, fitted, in_use, released)
    with parts.db.read() as reader:
        before = tag_table.read(parts, reader.settings.get(TAG_RUN))
    table = before
    if released or before is None:
        table = _suggest_anew(parts, work, fitted, in_use)
    assert table is not None
    tag_round.rank(parts, work, table, "train")
    if released:
        change = _compare(before, table, work, fitted, number)
    else:
        change = change_of_nothing(fitted[0].round.decision, number)
    return TrainResult(
        head=head_id,
        released=released,
        metrics=_metrics(fitted),
        seconds=time.monotonic() - started,
        reason="; ".join(line for each in fitted for line in each.messages),
        run=table.run_id if released else None,
        round=change,
    )


def _fit(
    work: Workspace,
    group: TagGroup,
    in_use: dict[int | None, GroupHead],
    options: tuple[Option, ...],
    context: JobContext,
) -> _Fitted | None:
    context.check_cancelled()
    problem, validation = tag_round.problem_of(work, group)
    if not problem.n_labelled:
        return None
    kept = in_use.get(group.group_id)
    if kept is not None and not kept.fits(group):
        kept = None
    previous = None if kept is None else kept.previous
    result = gated_round(problem, previous=previous, validation=validation, options=options)
    trained = work.pool.ids[problem.labelled]
    return _Fitted(group, result.round, kept, problem.n_labelled, trained, result.gate, result.trials)


def _store(
    parts: Parts, work: Workspace, fitted: list[_Fitted], in_use: dict[int | None, GroupHead], released: bool
) -> tuple[int, int]:
    """Save the heads and their row; returns the row's id and the number of the round."""
    with parts.db.read() as reader:
        number = len(reader.runs.heads(Task.TAGS)) + 1
    groups = [_head_of(each) for each in fitted if not released or each.stays]
    trained = {each.group_id for each in groups}
    groups.extend(kept for group_id, kept in in_use.items() if group_id not in trained)
    path = heads.save(parts, f"tags-{number:05d}", work.space, groups)
    version = "+".join(each.round.head.version[:8] for each in fitted)
    row = Head(0, Task.TAGS, work.space.model_id, version, path, released, _metrics(fitted), now())
    with parts.db.write("train") as writer:
        return writer.runs.add_head(row), number


def _head_of(each: _Fitted) -> GroupHead:
    """The head that is in use after the round: the new one, or the last where that was better."""
    if not each.round.decision.released and each.kept is not None:
        return each.kept
    previous = Previous(each.round.head, each.round.held_out, each.trained)
    return GroupHead(each.group.group_id, each.group.label_ids, previous)


def _suggest_anew(
    parts: Parts, work: Workspace, fitted: list[_Fitted], in_use: dict[int | None, GroupHead]
) -> TagTable:
    by_group = {each.group.group_id: each for each in fitted}
    predictions = []
    for group in work.answers.groups:
        each = by_group.get(group.group_id)
        held_out, trained = None, None
        if each is not None and each.round.decision.released:
            head, inside = each.round.head, each.round.fit.probabilities
            held_out, trained = each.round.held_out, each.trained
        elif (kept := in_use.get(group.group_id)) is not None and kept.fits(group):
            head, inside = kept.head, kept.head.predict(work.pool.vectors)
            held_out, trained = kept.previous.held_out, kept.previous.trained_ids
        else:
            problem, _ = tag_round.problem_of(work, group)
            fit = tag_round.first_guesses(problem)
            head, inside = fit.head, fit.probabilities
        predictions.append(Prediction(group, tag_round.everywhere(work, head, inside), held_out, trained))
    version = "+".join(each.round.head.version[:8] for each in fitted)
    return tag_round.publish(parts, work, predictions, (work.space.model_id, version), "train")


def change_of_nothing(decision: Decision, number: int) -> RoundChange:
    """A round that no group released: held-out answers were worse, so that everything stays as it was before it."""
    gain = None if decision.accuracy is None or decision.previous is None else decision.accuracy - decision.previous
    stay = "the first guesses" if decision.against_guesses else ""
    return rolled_back(number, f"{decision.compared:,} answers", gain, stay=stay)


def _compare(
    before: TagTable | None, after: TagTable, work: Workspace, fitted: list[_Fitted], number: int
) -> RoundChange:
    """How many open images are now suggested another label, and what held-out answers gained."""
    changed = compared = 0
    for each in after.groups:
        if before is None:
            break
        old = next((one for one in before.groups if one.group == each.group), None)
        if old is None:
            continue
        rows = before.rows(after.ids)
        open_rows = np.flatnonzero((rows >= 0) & ~np.isin(after.ids, work.answers.closed))
        new_best = np.asarray(each.probabilities[open_rows], np.float32).argmax(axis=1)
        old_best = np.asarray(old.probabilities[rows[open_rows]], np.float32).argmax(axis=1)
        changed += int((new_best != old_best).sum())
        compared += len(open_rows)
    decision = fitted[0].round.decision
    gain = None
    if decision.accuracy is not None and decision.previous is not None:
        gain = decision.accuracy - decision.previous
    points = "" if gain is None else f" {100 * gain:+.1f} points,"
    news = f"{changed:,} of {compared:,} suggestions changed" if before is not None else "the first suggestions"
    message = f"Round {number}:{points} {news}"
    return RoundChange(number, changed, compared, gain, message)


def _metrics(fitted: list[_Fitted]) -> dict[str, Any]:
    """The figures of the largest group, as the JSON output and the head's row hold them."""
    largest = max(fitted, key=lambda each: each.n_labelled)
    decision = largest.round.decision
    return {
        "labels": largest.n_labelled,
        "recipe": largest.round.head.recipe,
        "basis": decision.basis.value,
        "tested": decision.tested,
        "accuracy": decision.accuracy,
        "previous": decision.previous,
        "standard_error": decision.standard_error,
        "gate": None if largest.gate is None else largest.gate.threshold,
    }
