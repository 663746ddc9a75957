"""What a page shows of the tag run: suggestions that have no row yet, made from the array the moment an image is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from annotator.domain.geometry import Tag
from annotator.domain.kinds import Task
from annotator.domain.page import Page, suggestion_order
from annotator.domain.records import Label
from annotator.usecases.tag_table import TagTable


def open_tag_suggestions(page: Page, table: TagTable, labels: tuple[Label, ...], reason: str = "") -> Page:
    """``page`` with the table's open suggestions for its image, which stands in the queue for ``reason``, and without open ones
    of earlier tag runs.

    Nothing is suggested for a task that is done, for an exclusive group that has its tag, for a label that is on the image,
    for a suggestion that was judged, or for a label that no longer exists.
    """
    kept = [s for s in page.suggestions if s.task is not Task.TAGS or s.run_id >= table.run_id]
    if Task.TAGS in page.done:
        return replace(page, suggestions=tuple(s for s in kept if s.task is not Task.TAGS))
    found = table.suggestions(np.asarray([page.image.id], np.int64))
    if not found and len(kept) == len(page.suggestions):
        return page
    tagged = {a.label_id for a in page.annotations if isinstance(a.geometry, Tag)}
    exclusive = {g.group.group_id: g.group for g in table.groups if g.group.exclusive}
    answered = {group_id for group_id, group in exclusive.items() if tagged & set(group.label_ids)}
    tags = [s for s in kept if s.task is Task.TAGS]
    answered |= {s.group_id for s in tags if s.group_id in exclusive}
    asked = {s.id for s in found}
    known = {s.id for s in tags} | {v.suggestion_id for v in page.verdicts if v.suggestion_id in asked}
    alive = {label.id for label in labels}
    fresh = [
        replace(s, reason=reason) if reason else s
        for s in found
        if s.id not in known and s.group_id not in answered and s.label_id not in tagged and s.label_id in alive
    ]
    if not fresh and len(kept) == len(page.suggestions):
        return page
    return replace(page, suggestions=tuple(sorted([*kept, *fresh], key=suggestion_order)))
