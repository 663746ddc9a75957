"""One round of tags over a project: problems from the store, predictions into a run, images into the queue's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotator.domain.kinds import Source, Task
from annotator.domain.records import now
from annotator.learning.heads import TagHead
from annotator.learning.novelty import novelty
from annotator.learning.pool import Pool
from annotator.learning.problem import Recipe, TagFit, TagProblem
from annotator.learning.queue import PICKED, Strategy, next_batch
from annotator.learning.rounds import MIN_VALIDATION, Validation
from annotator.learning.tags import fit_tags
from annotator.pseudolabel.suggest import TagGroup, without
from annotator.usecases import answers as answers_room
from annotator.usecases import novelty as novelty_room
from annotator.usecases import ranking, tag_table
from annotator.usecases.answers import Answers, Known
from annotator.usecases.calibration import Prediction, calibrated
from annotator.usecases.parts import Parts
from annotator.usecases.settings_view import QUEUE_STRATEGY, TAG_RUN
from annotator.usecases.space import Space
from annotator.usecases.tag_table import GroupTable, TagTable

Ids = NDArray[np.int64]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Workspace:
    """What a round works with. ``ids`` (n,) ascending are all images with a vector; ``pool`` those that training may see."""

    space: Space
    answers: Answers
    ids: Ids
    pool: Pool

    def zero_shot(self, group: TagGroup, ids: Ids) -> FloatArray | None:
        """(n, labels) what the model says of ``ids`` without any answer."""
        return self.space.zero_shot(ids, self.answers.members(group))


def open_workspace(parts: Parts, space: Space, ids: Ids) -> Workspace:
    """Read the answers and the vectors; the pool of the last round is kept while its images and their vectors stay the same."""
    answers = answers_room.read_answers(parts)
    have = np.sort(ids[space.store.have(ids)])
    held_out = answers.test
    said = [image for image, _, source in answers.tags if source != Source.CERTIFIED.value]
    judged = np.unique(np.asarray(said, np.int64))
    val = answers.val[np.isin(answers.val, judged)]
    if len(val) >= MIN_VALIDATION:
        # All of them, judged or not: those that are judged later are then as unseen as these.
        held_out = np.concatenate([held_out, answers.val])
    inside = have[~np.isin(have, held_out)]
    key = f"{space.store.space} {space.store.revision}"
    kept: tuple[str, Pool] | None = parts.memory.get("pool")
    if kept is not None and kept[0] == key and np.array_equal(kept[1].ids, inside):
        pool = kept[1]
    else:
        pool = Pool(inside, space.store.get(inside))
        parts.memory["pool"] = (key, pool)
    return Workspace(space, answers, have, pool)


def problem_of(work: Workspace, group: TagGroup) -> tuple[TagProblem, Validation | None]:
    """What is known of a group over the pool, and its labelled ``val`` images when there are enough to test on."""
    known = answers_room.known(work.answers, group)
    inside = known.pick(np.isin(known.ids, work.pool.ids))
    rows = np.searchsorted(work.pool.ids, inside.ids)
    zero_shot = work.zero_shot(group, work.pool.ids)
    problem = TagProblem(
        work.pool,
        len(group.label_ids),
        zero_shot,
        rows,
        np.asarray(inside.said, np.int64) if group.exclusive else None,
        None if group.exclusive else np.asarray(inside.said, np.float32),
        inside.weights,
        inside.certified,
    )
    return problem, _validation(work, known)


def _validation(work: Workspace, known: Known) -> Validation | None:
    outside = np.isin(known.ids, work.answers.val) & np.isin(known.ids, work.ids) & ~np.isin(known.ids, work.pool.ids)
    outside &= ~known.certified
    if outside.sum() < MIN_VALIDATION:
        return None
    held = known.pick(outside)
    return Validation(held.ids, np.asarray(work.space.store.get(held.ids), np.float32), held.said)


def first_guesses(problem: TagProblem) -> TagFit:
    """What can be said of a group before anybody has answered: the model's zero-shot tags, spread over the pool."""
    return fit_tags(problem, Recipe.GUESSES)


def everywhere(work: Workspace, head: TagHead, inside: FloatArray) -> FloatArray:
    """(n, labels) probabilities of all images: those of the pool as given, the others from the head."""
    result = np.zeros((len(work.ids), inside.shape[1]), np.float32)
    rows = np.searchsorted(work.ids, work.pool.ids)
    result[rows] = inside
    outside = np.ones(len(work.ids), dtype=bool)
    outside[rows] = False
    if outside.any():
        result[outside] = head.predict(work.space.store.get(work.ids[outside]))
    return result


def publish(
    parts: Parts,
    work: Workspace,
    predictions: Sequence[Prediction],
    model: tuple[str, str],
    initiator: str,
) -> TagTable:
    """Write predictions as a run: the array into the cache, the run into the store, open rows of earlier runs superseded."""
    fitted = [calibrated(work.answers, work.ids, each) for each in predictions]
    with parts.db.write(initiator) as writer:
        parameters = {
            "space": work.space.store.space,
            "labels": [list(each.group.label_ids) for each in predictions],
            "temperatures": [calibration.temperature for calibration, _ in fitted],
            "device": work.space.embedder.info.device,
        }
        run_id = writer.runs.start(Task.TAGS, *model, parameters)
    groups = []
    for each, (calibration, _) in zip(predictions, fitted, strict=True):
        excluded = answers_room.rejected(work.answers, each.group, work.ids)
        kept = without(each.probabilities, excluded, exclusive=each.group.exclusive).astype(np.float16)
        groups.append(GroupTable(each.group, kept, calibration))
    table = TagTable(run_id, now(), work.ids, groups)
    tag_table.write(parts, table, [evidence for _, evidence in fitted])
    with parts.db.write(initiator) as writer:
        written = writer.suggestions.pile(Task.TAGS)
        writer.suggestions.supersede(Task.TAGS, sorted({s.image_id for s in written}), keep_run=run_id)
        writer.runs.progress(run_id, len(work.ids), 0)
        writer.settings.set(TAG_RUN, run_id)
    from annotator.usecases.open_piles import open_piles

    is_open = sum(len(pile) for pile in open_piles(parts, table))
    with parts.db.write(initiator) as writer:
        writer.runs.progress(run_id, len(work.ids), is_open, finished=True)
    return table


def rank(parts: Parts, work: Workspace, table: TagTable, initiator: str) -> None:
    """Put the queue in order by the first group that has anything open, say why its head is there, and what is new in it."""
    with parts.db.read() as reader:
        strategy = Strategy.named(reader.settings.get(QUEUE_STRATEGY, Strategy.AUTO.value))
    for each in table.groups:
        answered = answers_room.known(work.answers, each.group).ids
        rows = table.rows(work.pool.ids)
        labelled = np.flatnonzero(np.isin(work.pool.ids, answered))
        closed = np.flatnonzero(np.isin(work.pool.ids, work.answers.closed))
        if len(np.union1d(labelled, closed)) == len(work.pool):
            continue
        found = next_batch(
            strategy,
            work.pool,
            np.asarray(each.probabilities[rows], np.float32),
            count=PICKED,
            labelled=labelled,
            closed=closed,
            names=[label.name for label in work.answers.members(each.group)],
            exclusive=each.group.exclusive,
            rival=problem_of(work, each.group)[0].guesses if strategy is Strategy.DISAGREEMENT else None,
        )
        ids = work.pool.ids[found.order]
        others = work.ids[
            ~np.isin(work.ids, work.pool.ids) & ~np.isin(work.ids, np.union1d(answered, work.answers.closed))
        ]
        reasons = dict(zip(ids[: len(found.reasons)].tolist(), found.reasons, strict=True))
        new = novelty(work.pool, labelled)
        if new is not None:
            novelty_room.write(parts, work.pool.ids, new.distances, new.threshold)
        ranking.write(parts, np.concatenate([ids, others]), reasons, initiator)
        return
