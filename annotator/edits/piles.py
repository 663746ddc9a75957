"""Builder of the edit of a whole pile: some suggestions accepted, some given another label, some rejected, in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from annotator.domain.page import Page
from annotator.domain.records import Suggestion, one_moment
from annotator.edits import resolve
from annotator.edits.changes import Edit, batched
from annotator.edits.verdicts import accept, reject
from annotator.edits.vocabulary import Vocabulary


@dataclass(frozen=True)
class Ruling:
    """What a person decided about one suggestion of a pile: ``label_id`` is what it is, None rejects it."""

    suggestion: Suggestion
    label_id: int | None


def judge_pile(
    pages: Iterable[Page],
    rulings: Mapping[int, Sequence[Ruling]],
    vocabulary: Vocabulary,
    *,
    annotator: str,
    title: str = "Review",
) -> Edit:
    """One edit for all ``rulings`` (by image id) on ``pages``, as a batch already where they are very many.

    Suggestions that have a verdict by now are passed over, as are those that the ruling before them answered: the other labels
    of an exclusive group.
    """
    edits: list[Edit] = []
    with one_moment():
        for page in pages:
            edits += _of_page(page, rulings.get(page.image.id, ()), vocabulary, annotator)
    if len(edits) == 1:
        return edits[0]
    return batched(resolve.joined(title, edits, annotator))


def _of_page(page: Page, rulings: Sequence[Ruling], vocabulary: Vocabulary, annotator: str) -> Iterable[Edit]:
    current = page
    for ruling in rulings:
        judged: set[UUID] = {verdict.suggestion_id for verdict in current.verdicts}
        suggestion = ruling.suggestion
        if suggestion.id in judged:
            continue
        if ruling.label_id is None:
            edit = reject(current, suggestion, vocabulary, annotator=annotator)
        else:
            edit = accept(current, suggestion, vocabulary, annotator=annotator, label_id=ruling.label_id)
        current = resolve.after(current, edit)
        yield edit
