"""The loop over a project with the models that ship: suggest, judge, train, accept, undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from annotator.domain.geometry import Box
from annotator.domain.kinds import Decision, ImageState, Split, Task
from annotator.domain.records import ImageFilter, Suggestion, new_id
from annotator.edits import accept, merge_labels, reject, set_split
from annotator.errors import AnnotatorError, StoreError, UsageError
from annotator.project import Project
from annotator.pseudolabel.certify import upper_bound
from annotator.usecases import answers, calibration, review_view, tag_table
from annotator.usecases.results import AcceptResult
from tests.unit.project.conftest import COLORS, draw


@pytest.fixture
def suggested(project: Project) -> Iterator[Project]:
    """The project after its first run."""
    project.suggest()
    yield project


def truth(project: Project, image_id: int) -> int:
    """The label whose folder the image lies in."""
    label = project.labels.by_name(project.images.get(image_id).uri.split("/")[0])
    assert label is not None
    return label.id


def judge(project: Project, image_ids: list[int]) -> None:
    """Give the right answer to each suggestion."""
    for image_id in image_ids:
        page = project.history.page(image_id)
        edit = accept(
            page, page.suggestions[0], project.history.vocabulary(), annotator="ann", label_id=truth(project, image_id)
        )
        project.history.perform(edit)
    project.history.flush()


def test_every_picture_gets_one_suggestion_with_a_distribution(suggested: Project) -> None:
    for image_id in suggested.images.ids().tolist():
        (suggestion,) = suggested.review.open_suggestions(image_id)
        assert sum(p for _, p in suggestion.distribution) == pytest.approx(1, abs=0.01)
        assert suggestion.uncalibrated
        assert suggested.history.page(image_id).suggestions == (suggestion,)


def test_a_number_says_where_it_comes_from(suggested: Project) -> None:
    (suggestion,) = suggested.review.open_suggestions(int(suggested.images.ids()[0]))
    origin = suggested.review.origin(suggestion)
    assert origin == suggested.review.in_force()
    assert (origin.model, origin.device, origin.run_id) == ("embedded", "cpu", suggestion.run_id)
    assert origin.version and origin.verdicts == 0


def test_no_row_is_written_until_a_suggestion_is_judged(suggested: Project) -> None:
    first, second = suggested.images.ids().tolist()[:2]
    suggested.history.page(first)
    with suggested._parts.db.read() as reader:
        assert reader.suggestions.for_images([first, second]) == {}
    shown = suggested.history.page(first).suggestions[0]
    judge(suggested, [first])
    with suggested._parts.db.read() as reader:
        written = reader.suggestions.get(shown.id)
        verdict = reader.verdicts.get(shown.id)
    assert written is not None and written.distribution == shown.distribution
    assert verdict is not None and verdict.image_id == first


def test_suggestions_are_the_same_after_a_restart(suggested: Project) -> None:
    image_id = int(suggested.images.ids()[3])
    before = suggested.review.open_suggestions(image_id)
    suggested.close()
    with Project.open(suggested.path) as again:
        assert again.history.page(image_id).suggestions == before


def test_an_answered_group_has_no_suggestion_and_undo_brings_it_back(suggested: Project) -> None:
    image_id = int(suggested.images.ids()[0])
    before = suggested.history.page(image_id).suggestions
    count = sum(suggested.review.open_counts().values())
    judge(suggested, [image_id])
    assert suggested.history.page(image_id).suggestions == ()
    assert sum(suggested.review.open_counts().values()) == count - 1
    suggested.history.undo()
    suggested.history.flush()
    assert [s.id for s in suggested.history.page(image_id).suggestions] == [s.id for s in before]
    assert sum(suggested.review.open_counts().values()) == count


def test_what_was_rejected_is_never_proposed_again(suggested: Project) -> None:
    image_id = int(suggested.images.ids()[0])
    page = suggested.history.page(image_id)
    refused = page.suggestions[0].label_id
    suggested.history.perform(reject(page, page.suggestions[0], suggested.history.vocabulary(), annotator="ann"))
    suggested.history.flush()
    assert suggested.history.page(image_id).suggestions == ()
    suggested.suggest()
    (again,) = suggested.history.page(image_id).suggestions
    assert refused not in {label_id for label_id, _ in again.distribution}


def test_training_learns_the_colours_and_says_what_changed(suggested: Project) -> None:
    ids = suggested.images.ids().tolist()
    judge(suggested, ids[:6] + ids[8:14] + ids[16:22])
    result = suggested.train()
    assert result.released
    assert result.metrics["labels"] == 18
    assert result.metrics["basis"] == "untested"
    assert result.round is not None and result.round.round == 1
    rest = [i for i in ids if suggested.history.page(i).suggestions]
    assert len(rest) == 6
    right = [suggested.history.page(i).suggestions[0].label_id == truth(suggested, i) for i in rest]
    assert np.mean(right) >= 5 / 6
    assert suggested.stats().heads == 1


def test_a_head_is_used_by_the_next_suggest(suggested: Project) -> None:
    ids = suggested.images.ids().tolist()
    judge(suggested, ids[:6] + ids[8:14] + ids[16:22])
    suggested.train()
    before = {i: suggested.review.open_suggestions(i) for i in ids}
    result = suggested.suggest()
    assert result.images_per_s == 0
    for image_id in ids:
        now = suggested.review.open_suggestions(image_id)
        assert [s.label_id for s in now] == [s.label_id for s in before[image_id]]


def test_training_without_answers_says_what_to_do(suggested: Project) -> None:
    with pytest.raises(AnnotatorError, match="no tags to learn from"):
        suggested.train()


def test_images_that_cannot_be_read_are_left_out(tmp_path: Path, pictures: Path) -> None:
    (pictures / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    with Project.create(tmp_path / "p", pictures, list(COLORS)) as made:
        assert made.suggest().images == 24


def test_new_pictures_are_suggested_by_the_next_run(suggested: Project, pictures: Path) -> None:
    draw(pictures / "later.png", COLORS["red"], 50)
    suggested.scan()
    result = suggested.suggest()
    assert result.images == 25
    assert suggested.history.page(int(suggested.images.ids()[-1])).suggestions


def test_a_tag_whose_acceptance_is_undone_is_counted_once(suggested: Project) -> None:
    accepted = suggested.accept(min_confidence=0.0).accepted
    suggested.history.undo()
    suggested.history.flush()
    images = suggested.review.pile().image_ids.tolist()
    assert len(images) == accepted
    assert set(suggested.images.open_on(images).values()) == {0}


def test_accepting_from_a_confidence_is_one_edit(suggested: Project) -> None:
    pile = suggested.review.pile()
    least = float(pile.confidences[4])
    expected = int((pile.confidences >= least).sum())
    result = suggested.accept(min_confidence=least)
    assert result.accepted == expected
    assert suggested.stats().sources["accepted"] == expected
    assert suggested.images.counts()[ImageState.DONE] == expected
    suggested.history.undo()
    suggested.history.flush()
    assert suggested.stats().annotations == 0
    assert len(suggested.review.pile()) == len(pile)


def test_piles_and_histogram_agree_with_what_pages_show(suggested: Project) -> None:
    judge(suggested, suggested.images.ids().tolist()[:5])
    shown = [s for i in suggested.images.ids().tolist() for s in suggested.history.page(i).suggestions]
    pile = suggested.review.pile()
    assert len(pile) == len(shown) == suggested.review.confidence_histogram().sum()
    assert {(s.image_id, s.label_id) for s in shown} == set(
        zip(pile.image_ids.tolist(), pile.label_ids.tolist(), strict=True)
    )
    assert list(pile.confidences) == sorted(pile.confidences, reverse=True)
    by_id = {(s.image_id, s.label_id): s.id for s in shown}
    assert {s.id for s in suggested.review.suggestions(pile.image_ids)} == set(by_id.values())


def certify(suggested: Project, folder: Path, wrong: int = 0) -> AcceptResult:
    """Accept under a certificate, with an oracle that agrees with all suggestions but the first ``wrong``."""
    names = {label.id: label.name for label in suggested.labels.all()}
    pile = suggested.review.pile()
    lines = []
    for at, (image, label) in enumerate(zip(pile.image_ids.tolist(), pile.label_ids.tolist(), strict=True)):
        said = label if at >= wrong else next(other for other in names if other != label)
        lines.append(f"{suggested.images.get(image).uri},{names[said]}\n")
    oracle = folder / "oracle.csv"
    oracle.write_text("image,label\n" + "".join(lines), encoding="utf-8")
    return suggested.accept(max_error=0.4, audit=10, oracle=oracle)


def test_a_certificate_is_signed_with_its_evidence_and_shown_until_it_is_undone(
    suggested: Project, tmp_path: Path
) -> None:
    result = certify(suggested, tmp_path)
    assert result.certificate is not None and result.accepted > result.audited == 10
    (signed,) = suggested.stats().certificates
    with suggested._parts.db.read() as reader:
        run = reader.runs.latest(Task.TAGS)
        (row,) = reader.runs.certificates()
        under = reader.annotations.certified()
        assert reader.settings.get(f"certificate.{row.id}") is None
    assert run is not None
    assert (signed.id, signed.annotator, signed.seed) == (result.certificate, "ann", row.seed)
    assert (signed.model, signed.model_version) == (run.model_id, run.model_version) and signed.model_version
    assert signed.bound == result.bound == upper_bound(signed.errors, signed.audited) <= signed.max_error == 0.4
    assert (signed.errors, signed.accepted) == (0, result.accepted - 10)
    assert 0 < signed.audited <= 10
    assert signed.signed_at >= row.created_at
    assert signed.annotations == signed.accepted == len(under) == suggested.stats().sources["certified"]
    assert {certificate for _, certificate in under} == {signed.id}
    exported = suggested.export(tmp_path / "tags.csv", "csv")
    assert exported.certificates == (signed,)
    (line,) = (tmp_path / "tags.csv.certificates.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == asdict(signed)
    suggested.history.undo()
    suggested.history.flush()
    (after,) = suggested.stats().certificates
    assert (after.accepted, after.annotations) == (signed.accepted, 0)
    assert suggested.export(tmp_path / "after.csv", "csv").certificates == ()
    with pytest.raises(StoreError), suggested._parts.db.write() as writer:
        writer.runs.finish_certificate(signed.id, annotator="ann", audited=1, errors=0, bound=0.1, accepted=1)


def test_certified_answers_are_no_held_out_answers(suggested: Project, tmp_path: Path) -> None:
    certify(suggested, tmp_path)
    known = answers.read_answers(suggested._parts)
    answered = answers.known(known, known.groups[0])
    assert answered.certified.sum() == suggested.stats().sources["certified"] > 0
    assert (~answered.certified).sum() == 10
    assert answered.weights[answered.certified].max() < 1
    assert suggested.train().metrics["basis"] == "untested"


def test_an_audit_that_fails_is_kept_unsigned(suggested: Project, tmp_path: Path) -> None:
    result = certify(suggested, tmp_path, wrong=24)
    assert (result.certificate, result.bound, result.accepted) == (None, None, 0)
    assert suggested.stats().certificates == ()
    with suggested._parts.db.read() as reader:
        (row,) = reader.runs.certificates()
    assert (row.audited, row.errors, row.bound, row.accepted, row.signed_at) == (10, 10, 1.0, 0, "")


def test_filters_see_suggestions_that_have_no_row_yet(suggested: Project) -> None:
    ids = suggested.images.ids().tolist()
    judge(suggested, ids[:4])
    pile = suggested.review.pile()
    middle = float(np.median(pile.confidences))
    sure = dict(zip(pile.image_ids.tolist(), pile.confidences.tolist(), strict=True))
    assert suggested.images.ids(ImageFilter(suggested=True)).tolist() == ids[4:]
    assert suggested.images.ids(ImageFilter(suggested=False)).tolist() == ids[:4]
    above = suggested.images.ids(ImageFilter(min_confidence=middle)).tolist()
    below = suggested.images.ids(ImageFilter(max_confidence=middle - 1e-6)).tolist()
    assert above == [i for i in ids[4:] if sure[i] >= middle]
    assert sorted(above + below) == ids[4:]
    label = int(pile.label_ids[0])
    of_label = ImageFilter(suggested=True, label_ids=frozenset({label}), min_confidence=middle)
    assert suggested.images.ids(of_label).tolist() == sorted(suggested.review.pile(label, middle).image_ids.tolist())
    tagged = ImageFilter(label_ids=frozenset({truth(suggested, ids[0])}), suggested=False)
    assert suggested.images.ids(tagged).tolist() == [i for i in ids[:4] if truth(suggested, i) in tagged.label_ids]


def test_a_filter_for_suggestions_sees_boxes_and_forgets_what_was_judged(suggested: Project) -> None:
    first, second = suggested.images.ids().tolist()[:2]
    judge(suggested, [first, second])
    red = suggested.labels.all()[0]
    with suggested._parts.db.write("engine") as writer:
        run = writer.runs.start(Task.BOXES, "test", "1")
        box = Suggestion(new_id(), run, first, Box(1, 1, 9, 9), ((red.id, 0.4),), 0.4, 0.4, task=Task.BOXES)
        writer.suggestions.add_many([box])
    assert first in suggested.images.ids(ImageFilter(suggested=True))
    assert second not in suggested.images.ids(ImageFilter(suggested=True))
    assert suggested.images.ids(ImageFilter(max_confidence=0.4, min_confidence=0.4)).tolist() == [first]
    page = suggested.history.page(first)
    suggested.history.perform(reject(page, box, suggested.history.vocabulary(), annotator="ann"))
    suggested.history.flush()
    assert first not in suggested.images.ids(ImageFilter(suggested=True))


def test_a_merged_label_is_no_longer_suggested(suggested: Project) -> None:
    red, green, _ = suggested.labels.all()
    pages = [suggested.history.page(i) for i in suggested.images.ids().tolist()]
    del pages
    suggested.history.perform(merge_labels(red, green, annotator="ann"))
    suggested.history.flush()
    shown = {s.label_id for i in suggested.images.ids().tolist() for s in suggested.history.page(i).suggestions}
    assert red.id not in shown
    suggested.suggest()
    assert red.id not in suggested.review.open_counts()


def test_test_images_are_suggested_but_never_enter_the_pool(suggested: Project) -> None:
    ids = suggested.images.ids().tolist()
    edit = set_split(suggested.images.many(ids[:4]), Split.TEST, annotator="ann")
    suggested.history.perform(edit)
    judge(suggested, ids[:10])
    suggested.train()
    pool = suggested._parts.memory["pool"][1]
    assert not set(pool.ids.tolist()) & set(ids[:4])
    assert suggested.review.table().rows(np.asarray(ids[:4])).min() >= 0


def test_verdicts_on_random_draws_alone_calibrate(suggested: Project) -> None:
    judge(suggested, suggested.images.ids().tolist()[:6])
    known = answers.read_answers(suggested._parts)
    assert len(known.judged) == 6
    assert {verdict.decision for _, verdict in known.judged} <= {Decision.ACCEPTED, Decision.CORRECTED}
    assert calibration.random_images(known, known.groups[0]).tolist() == []


def test_a_cleared_cache_costs_suggestions_but_no_answers(suggested: Project) -> None:
    import shutil

    judge(suggested, suggested.images.ids().tolist()[:3])
    suggested.close()
    shutil.rmtree(suggested.path / "cache")
    with Project.open(suggested.path) as again:
        assert again.history.page(int(again.images.ids()[5])).suggestions == ()
        assert again.stats().annotations == 3
        assert again.suggest().suggestions == 21


@pytest.mark.parametrize("task", ["keypoints", "captions"])
def test_tasks_of_later_versions_are_refused(project: Project, task: str) -> None:
    with pytest.raises(UsageError, match=task):
        project.suggest(task=task)
    with pytest.raises(UsageError, match=task):
        project.train(task=Task(task))


def test_a_project_without_labels_says_what_to_do(tmp_path: Path, pictures: Path) -> None:
    with Project.create(tmp_path / "p", pictures) as made, pytest.raises(AnnotatorError, match="no labels"):
        made.suggest()


def test_a_table_is_read_as_it_was_written(suggested: Project) -> None:
    table = suggested.review.table()
    assert table is not None
    again = tag_table.read(suggested._parts, table.run_id)
    assert again is not None and again.ids.tolist() == table.ids.tolist()
    for name in ("table.json", "ids.npy"):
        file = suggested.path / "cache" / "tags" / f"{table.run_id:06d}" / name
        kept = file.read_bytes()
        file.write_bytes(kept[: len(kept) // 2])
        assert tag_table.read(suggested._parts, table.run_id) is None
        file.write_bytes(kept)
    assert isinstance(review_view.open_piles(suggested._parts, table), list)
