"""Tag suggestions for every open image: embed what is new, then the released head, or the first guesses where there is none."""

from __future__ import annotations

import numpy as np

from annotator.errors import AnnotatorError
from annotator.job_context import JobContext
from annotator.usecases import heads, tag_round
from annotator.usecases.answers import read_answers
from annotator.usecases.calibration import Prediction
from annotator.usecases.index import index_space, usable_ids
from annotator.usecases.open_piles import open_piles
from annotator.usecases.parts import Parts
from annotator.usecases.results import SuggestResult
from annotator.usecases.space import choose_model, open_space, remember_model
from annotator.usecases.tasks import SuggestRequest

STEPS = 3


def suggest(parts: Parts, request: SuggestRequest, context: JobContext) -> SuggestResult:
    """Run the models over the project and put the queue in order."""
    answers = read_answers(parts)
    if not answers.groups:
        raise AnnotatorError(
            "The project has no labels to suggest.", "Add some: type their names in the window, or import."
        )
    name, file = choose_model(parts, request.model_id, request.weights)
    space = open_space(parts, name, weights=file, device=request.device)
    remember_model(parts, name, file)
    ids = usable_ids(parts, request.limit)
    indexed = index_space(parts, space, ids, context)
    context.progress(0, STEPS, "Suggesting")
    work = tag_round.open_workspace(parts, space, ids)
    if not len(work.ids):
        raise AnnotatorError(
            "There is no picture that could be looked at.", "`annotator stats` lists what is wrong with them."
        )
    in_use = heads.load_released(parts, space)
    predictions, warnings, version = [], [], space.embedder.info.version
    for group in work.answers.groups:
        context.check_cancelled()
        before = in_use.get(group.group_id)
        held_out, trained = None, None
        if before is not None and before.fits(group):
            held_out, trained = before.previous.held_out, before.previous.trained_ids
            head = before.head
            inside = head.predict(work.pool.vectors)
            version = f"{version}+{head.version[:8]}"
        else:
            problem, _ = tag_round.problem_of(work, group)
            if problem.zero_shot is None:
                warnings.append(f"{space.model_id} knows no names: label a few pictures and train.")
            fit = tag_round.first_guesses(problem)
            head, inside = fit.head, fit.probabilities
        everything = np.asarray(tag_round.everywhere(work, head, inside), np.float32)
        predictions.append(Prediction(group, everything, held_out, trained))
    context.progress(1, STEPS, "Suggesting")
    table = tag_round.publish(parts, work, predictions, (space.model_id, version), "suggest")
    context.progress(2, STEPS, "Ordering the queue")
    tag_round.rank(parts, work, table, "suggest")
    context.progress(STEPS, STEPS, "Suggesting")
    return SuggestResult(
        run=table.run_id,
        images=len(work.ids),
        suggestions=sum(len(pile) for pile in open_piles(parts, table)),
        images_per_s=indexed.images_per_s,
        model=space.model_id,
        uncalibrated=table.uncalibrated,
        unreadable=indexed.unreadable,
        warnings=tuple(warnings),
    )
