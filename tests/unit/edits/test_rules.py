"""What an edit means for verdicts: the rules of suggestions that are accepted, corrected, deleted, drawn over and answered."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from annotator import edits
from annotator.domain.geometry import Box, GeometryKind, Tag
from annotator.domain.kinds import Decision, ImageState, Source, Task
from annotator.domain.page import Page
from annotator.domain.records import Suggestion, new_annotation, now
from annotator.errors import UsageError
from tests.projects import suggestion
from tests.unit.edits.conftest import ME, Work


def _box(page: Page, label: int = 4) -> Suggestion:
    return next(s for s in page.suggestions if s.label_id == label)


def _tag(page: Page) -> Suggestion:
    return next(s for s in page.suggestions if s.geometry.kind is GeometryKind.TAG)


def test_accepting_makes_an_annotation_and_closes_the_suggestion(work: Work) -> None:
    chosen = _box(work.page())
    page = work.do(edits.accept(work.page(), chosen, work.words, annotator=ME, seconds=2.5))
    (annotation,), (verdict,) = page.annotations, page.verdicts
    assert (annotation.geometry, annotation.label_id) == (chosen.geometry, 4)
    assert (annotation.source, annotation.suggestion_id) == (Source.ACCEPTED, chosen.id)
    assert (verdict.decision, verdict.annotation_id, verdict.seconds) == (Decision.ACCEPTED, annotation.id, 2.5)
    assert chosen.id not in [s.id for s in page.suggestions]
    assert page.image.state is ImageState.IN_PROGRESS


def test_accepting_with_another_label_corrects(work: Work) -> None:
    page = work.do(edits.accept(work.page(), _box(work.page()), work.words, label_id=5, annotator=ME))
    assert page.annotations[0].label_id == 5
    assert (page.annotations[0].source, page.verdicts[0].decision) == (Source.CORRECTED, Decision.CORRECTED)


def test_correcting_the_shape(work: Work) -> None:
    page = work.do(edits.correct(work.page(), _box(work.page()), work.words, geometry=Box(0, 0, 9, 9), annotator=ME))
    assert page.annotations[0].geometry == Box(0, 0, 9, 9)
    assert page.verdicts[0].decision is Decision.CORRECTED


@pytest.mark.parametrize("change", ["geometry", "label", "attributes"])
def test_editing_what_was_accepted_turns_it_into_corrected(work: Work, change: str) -> None:
    page = work.do(edits.accept(work.page(), _box(work.page()), work.words, annotator=ME))
    (old,) = page.annotations
    edit = {
        "geometry": lambda: edits.change_geometry(page, old.id, Box(1, 1, 5, 5), annotator=ME),
        "label": lambda: edits.change_label(page, [old.id], 5, annotator=ME),
        "attributes": lambda: edits.change_attributes(page, [old.id], {"occluded": True}, annotator=ME),
    }[change]()
    page = work.do(edit)
    assert (page.annotations[0].source, page.verdicts[0].decision) == (Source.CORRECTED, Decision.CORRECTED)
    work.history.undo()
    assert work.page().verdicts[0].decision is Decision.ACCEPTED
    assert work.page().annotations == (old,)


def test_locking_and_hiding_are_no_corrections(work: Work) -> None:
    page = work.do(edits.accept(work.page(), _box(work.page()), work.words, annotator=ME))
    page = work.do(edits.lock(page, [page.annotations[0].id], annotator=ME))
    page = work.do(edits.hide(page, [page.annotations[0].id], annotator=ME))
    assert (page.annotations[0].locked, page.annotations[0].hidden) == (True, True)
    assert page.verdicts[0].decision is Decision.ACCEPTED


def test_deleting_what_was_accepted_rejects_the_suggestion(work: Work) -> None:
    page = work.do(edits.accept(work.page(), _box(work.page()), work.words, annotator=ME))
    page = work.do(edits.delete(page, [page.annotations[0].id], annotator=ME))
    assert page.annotations == ()
    assert (page.verdicts[0].decision, page.verdicts[0].annotation_id) == (Decision.REJECTED, None)


def test_undoing_a_verdict_reopens_its_suggestion(work: Work) -> None:
    before = work.page()
    work.do(edits.reject(before, _box(before), work.words, annotator=ME))
    assert _box(before) not in work.page().suggestions
    assert work.history.undo().image_id == 1  # type: ignore[union-attr]
    assert work.page() == before


@pytest.mark.parametrize(
    ("drawn", "label", "decision"),
    [
        (Box(10, 10, 60, 60), 4, Decision.ACCEPTED),
        (Box(12, 10, 60, 60), 4, Decision.CORRECTED),
        (Box(10, 10, 60, 46), 4, Decision.CORRECTED),  # IoU .72
        (Box(10, 10, 60, 44), 4, None),  # IoU .68
        (Box(10, 10, 60, 60), 5, None),
    ],
)
def test_drawing_the_same_label_there_resolves_the_suggestion(
    work: Work, drawn: Box, label: int, decision: Decision | None
) -> None:
    page = work.do(edits.draw(work.page(), new_annotation(1, label, drawn, ME)))
    assert page.annotations[0].source is Source.DRAWN
    assert [v.decision for v in page.verdicts] == ([] if decision is None else [decision])
    if decision is not None:
        assert page.verdicts[0].annotation_id == page.annotations[0].id


def test_answering_a_group_by_hand_resolves_its_suggestion_and_completes_the_task(work: Work) -> None:
    assert _tag(work.page()).label_id == 1
    page = work.do(edits.set_tag(work.page(), 2, work.words, annotator=ME))
    assert [(a.label_id, a.source) for a in page.annotations] == [(2, Source.CORRECTED)]
    assert page.verdicts[0].decision is Decision.CORRECTED
    assert (page.done, page.image.state) == (frozenset({Task.TAGS}), ImageState.DONE)
    other = edits.set_tag(work.page(2), 1, work.words, annotator=ME)
    work.do(other)
    assert (work.page(2).annotations[0].source, work.page(2).verdicts[0].decision) == (
        Source.ACCEPTED,
        Decision.ACCEPTED,
    )


def test_a_group_holds_one_tag(work: Work) -> None:
    work.do(edits.set_tag(work.page(), 1, work.words, annotator=ME))
    page = work.do(edits.set_tag(work.page(), 3, work.words, annotator=ME))
    assert [a.label_id for a in page.annotations] == [3]
    assert page.verdicts[0].decision is Decision.CORRECTED
    assert edits.set_tag(page, 3, work.words, annotator=ME).changes == ()
    page = work.do(edits.clear_tag(page, 3, work.words, annotator=ME))
    assert (page.annotations, page.done, page.image.state) == ((), frozenset(), ImageState.IN_PROGRESS)
    assert page.verdicts[0].decision is Decision.REJECTED


def test_tags_of_a_group_that_is_not_exclusive_stand_side_by_side(work: Work) -> None:
    work.do(edits.set_tag(work.page(), 4, work.words, annotator=ME))
    page = work.do(edits.set_tag(work.page(), 5, work.words, annotator=ME))
    assert sorted(a.label_id for a in page.annotations) == [4, 5]
    assert page.done == frozenset()


def test_a_tag_suggestion_that_is_only_on_screen_is_written_with_its_verdict(work: Work) -> None:
    shown = suggestion(3, 2, Tag(), 0.9, 1, (1, 3))
    page = work.page(3)
    page = replace(page, suggestions=(shown, *(s for s in page.suggestions if s.geometry.kind is not GeometryKind.TAG)))
    work.do(edits.accept(page, shown, work.words, annotator=ME))
    with work.database.read() as reader:
        assert reader.suggestions.get(shown.id) == shown
        assert reader.verdicts.get(shown.id).decision is Decision.ACCEPTED  # type: ignore[union-attr]


def test_accepting_all_on_an_image_answers_a_group_once(work: Work) -> None:
    extra = suggestion(1, 2, Tag(), 0.5, 1, (1, 3))
    with work.database.write() as writer:
        writer.suggestions.add_many([extra])
    page = work.page()
    page = work.do(edits.accept_many([page], page.suggestions, work.words, annotator=ME))
    assert len([a for a in page.annotations if a.kind is GeometryKind.TAG]) == 1
    assert page.suggestions == ()
    assert len(page.verdicts) == 4


def test_certified_annotations_name_their_certificate(work: Work) -> None:
    with work.database.write() as writer:
        from annotator.store.runs import Certificate

        signed = writer.runs.add_certificate(Certificate(0, Task.BOXES, ME, 7, 0.05, 300, 3, 0.03, 1))
    page = work.page()
    page = work.do(edits.accept_many([page], [_box(page)], work.words, annotator=ME, certificate_id=signed))
    assert (page.annotations[0].source, page.annotations[0].certificate_id) == (Source.CERTIFIED, signed)


def test_pasting_makes_new_annotations_of_ones_own(work: Work) -> None:
    page = work.do(edits.accept(work.page(), _box(work.page()), work.words, annotator="bob"))
    work.do(edits.paste(work.page(2), page.annotations, annotator=ME))
    (copy,) = work.page(2).annotations
    assert copy.id != page.annotations[0].id
    assert (copy.image_id, copy.annotator, copy.source) == (2, ME, Source.DRAWN)
    assert work.page(2).verdicts[0].decision is Decision.ACCEPTED  # the same place and label were suggested there


def test_order_on_the_canvas(work: Work) -> None:
    for x in (0, 200, 400):
        work.do(edits.draw(work.page(), new_annotation(1, 4, Box(x, 300, x + 20, 320), ME)))
    first, second, third = (a.id for a in work.page().annotations)
    page = work.do(edits.raise_to_top(work.page(), [first], annotator=ME))
    assert [a.id for a in page.annotations] == [second, third, first]
    page = work.do(edits.lower_to_bottom(page, [third], annotator=ME))
    assert [a.id for a in page.annotations] == [third, second, first]
    page = work.do(edits.draw(page, new_annotation(1, 4, Box(0, 0, 2, 2), ME)))
    assert page.annotations[-1].geometry == Box(0, 0, 2, 2)


def test_names_of_labels_are_unique(work: Work) -> None:
    labels = tuple(work.words.labels.values())
    with pytest.raises(UsageError, match='already a label "dog"'):
        edits.rename_label(labels, labels[0], " dog ", annotator=ME)
    with pytest.raises(UsageError, match="needs a name"):
        edits.create_label(labels, "  ", 9, annotator=ME)
    assert edits.create_labels(labels, ["cat", "", "dog"], 9, annotator=ME).changes == ()


def test_merging_labels_moves_annotations_and_their_undo_moves_back_only_those(work: Work) -> None:
    for label in (4, 5):
        work.do(edits.draw(work.page(), new_annotation(1, label, Box(300, 300, 350, 350), ME)))
    before = work.page()
    work.do(edits.merge_labels(work.words.labels[4], work.words.labels[5], annotator=ME))
    assert [a.label_id for a in work.page().annotations] == [5, 5]
    with work.database.read() as reader:
        assert [label.name for label in reader.labels.all()] == ["cat", "dog", "bird", "door"]
        assert reader.labels.counts()[5] == (2, 6)
    work.history.undo()
    assert work.page() == before


def test_marking_done_and_skipping(work: Work) -> None:
    pages = [work.page(1), work.page(2)]
    work.do(edits.mark_done(pages, Task.BOXES, annotator=ME))
    with work.database.read() as reader:
        assert reader.images.done_ids(Task.BOXES).tolist() == [1, 2]
        assert reader.counters.of("image.state") == {"done": 2, "new": 1}
    work.do(edits.mark_done([work.page(1)], Task.BOXES, False, annotator=ME))
    assert (work.page().done, work.page().image.state) == (frozenset(), ImageState.IN_PROGRESS)
    work.do(edits.skip([work.page(3).image], annotator=ME))
    assert work.page(3).image.state is ImageState.SKIPPED


def test_the_rows_of_a_bulk_edit_have_one_time_and_arrive_as_a_batch(work: Work) -> None:
    first = work.page()
    pages = [replace(first, image=replace(first.image, id=number)) for number in range(1, 1_201)]
    label = next(iter(work.words.labels))
    edit = edits.tag_many(pages, label, work.words, annotator=ME)
    (batch,) = edit.changes
    assert isinstance(batch, edits.BatchChange)
    drawn = [c.after for c in edit.rows() if isinstance(c, edits.AnnotationChange) and c.after is not None]
    assert len(drawn) == 1_200
    assert len({each.created_at for each in drawn}) == 1
    assert len({each.id for each in drawn}) == 1_200
    before = now()
    time.sleep(0.002)
    assert now() > before
