"""The steps of a certificate over a project: one sample for a run, answers that are kept, a signature or what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from annotator.errors import AnnotatorError, UsageError
from annotator.project import Project
from annotator.pseudolabel.certify import needed_audits, upper_bound
from annotator.usecases.samples import Audit


@pytest.fixture
def suggested(project: Project) -> Iterator[Project]:
    project.suggest()
    yield project


def right(audit: Audit) -> dict[UUID, int | None]:
    return {s.id: s.label_id for s in audit.sample}


def wrong(audit: Audit, project: Project) -> dict[UUID, int | None]:
    ids = [label.id for label in project.labels.all()]
    return {s.id: next(i for i in ids if i != s.label_id) for s in audit.sample}


def perform(project: Project, audit: Audit, checked: dict[UUID, int | None]) -> str:
    desk, history = project.review.certificates, project.history
    history.perform(desk.verdicts(audit, checked, history.page))
    conclusion = desk.conclude(audit, checked)
    desk.record(conclusion)
    history.perform(desk.acceptance(conclusion, history.pages))
    history.flush()
    return conclusion.missing


def test_a_sample_that_was_drawn_stays_with_its_answers(suggested: Project) -> None:
    desk = suggested.review.certificates
    audit = desk.draw(0.4, 10)
    some = dict(list(right(audit).items())[:4])
    desk.remember(audit, some)
    with Project.open(suggested.path, lock=False) as again:
        kept = again.review.certificates.resume()
    assert kept is not None
    assert [s.id for s in kept[0].sample] == [s.id for s in audit.sample] and kept[1] == some
    assert (kept[0].places, kept[0].prefixes, kept[0].ends) == (audit.places, audit.prefixes, audit.ends)
    assert desk.draw(0.4, 10).sample == audit.sample
    with pytest.raises(AnnotatorError, match="drawn from this run already"):
        desk.draw(0.3, 10)


def test_the_bound_moves_with_each_answer_and_only_the_whole_sample_certifies(suggested: Project) -> None:
    desk = suggested.review.certificates
    audit = desk.draw(0.4, 10)
    answers = list(right(audit).items())
    bounds = [audit.standing(dict(answers[:count])).bound for count in range(len(answers) + 1)]
    assert bounds == sorted(bounds, reverse=True) and bounds[0] == 1.0
    assert bounds[-1] == pytest.approx(upper_bound(0, len(answers)))
    with pytest.raises(UsageError, match="not checked yet"):
        desk.conclude(audit, dict(answers[:-1]))
    hopeless = audit.standing(wrong(audit, suggested))
    assert hopeless.complete and not hopeless.reachable and hopeless.errors == len(audit.sample)


def test_what_passes_is_accepted_in_one_edit_and_the_answers_are_verdicts(suggested: Project) -> None:
    audit = suggested.review.certificates.draw(0.4, 10)
    before = len(suggested.review.pile())
    assert perform(suggested, audit, right(audit)) == ""
    (signed,) = suggested.review.certificates.signed()
    sources = suggested.stats().sources
    assert sources["accepted"] == len(audit.sample)
    assert sources["certified"] == signed.accepted == signed.annotations > 0
    assert len(suggested.review.pile()) == before - len(audit.sample) - signed.accepted
    assert suggested.review.certificates.resume() is None
    suggested.history.undo()
    suggested.history.flush()
    assert suggested.stats().sources["certified"] == 0 and suggested.stats().sources["accepted"] == len(audit.sample)


def test_after_a_failure_nothing_is_drawn_until_a_new_run(suggested: Project) -> None:
    desk = suggested.review.certificates
    audit = desk.draw(0.4, 10)
    missing = perform(suggested, audit, wrong(audit, suggested))
    assert "40.0% allows" in missing and "10 answers are kept" in missing
    assert suggested.stats().sources["corrected"] == len(audit.sample)
    assert "audited already" in desk.blocked()
    with pytest.raises(AnnotatorError, match="audited already"):
        desk.draw(0.4, 10)
    suggested.suggest()
    assert desk.blocked() == "" and desk.draw(0.4, 10).run_id != audit.run_id


def test_too_little_to_certify_is_said_before_anything_is_drawn(suggested: Project) -> None:
    desk = suggested.review.certificates
    with pytest.raises(AnnotatorError, match=f"too few to certify 1.0%: it takes {needed_audits(0.01)}"):
        desk.draw(0.01)
    with pytest.raises(AnnotatorError, match="A sample of 3 cannot certify"):
        desk.draw(0.3, 3)
    assert desk.resume() is None
    with suggested._parts.db.read() as reader:
        assert reader.runs.certificates() == []


def test_a_rejected_sample_without_another_label_is_a_rejection(suggested: Project) -> None:
    audit = suggested.review.certificates.draw(0.4, 10)
    first, *rest = audit.sample
    checked: dict[UUID, int | None] = {s.id: s.label_id for s in rest}
    checked[first.id] = None
    desk, history = suggested.review.certificates, suggested.history
    history.perform(desk.verdicts(audit, checked, history.page))
    history.flush()
    assert suggested.stats().verdicts["rejected"] == 1
    assert history.page(first.image_id).annotations == ()


def import_guesses(project: Project, folder: Path, count: int | None = None) -> None:
    """Suggestions for the first pictures, or for all, from a table."""
    images = project.images.many(project.images.ids().tolist())[:count]
    table = folder / f"guesses {len(images)}.csv"
    table.write_text("\n".join(["image,label,confidence", *(f"{each.uri},blue,0.95" for each in images)]))
    project.import_dataset(table, format="csv", as_="suggestions")


def test_an_import_of_a_few_suggestions_frees_no_pile_that_failed(suggested: Project, tmp_path: Path) -> None:
    desk = suggested.review.certificates
    audit = desk.draw(0.4, 10)
    perform(suggested, audit, wrong(audit, suggested))
    import_guesses(suggested, tmp_path, 2)
    assert "audited already" in desk.blocked()
    with pytest.raises(AnnotatorError, match="audited already"):
        desk.draw(0.4, 10)
    import_guesses(suggested, tmp_path)
    assert desk.blocked() == "", "what failed is replaced by what another model says"


def test_a_sample_under_way_outlives_an_import_beside_it_and_covers_none_of_it(
    suggested: Project, tmp_path: Path
) -> None:
    desk = suggested.review.certificates
    audit = desk.draw(0.4, 10)
    some = dict(list(right(audit).items())[:4])
    desk.remember(audit, some)
    import_guesses(suggested, tmp_path, 2)
    assert desk.resume() == (audit, some)
    assert desk.draw(0.4, 10) == audit
    assert {s.run_id for s in desk.conclude(audit, right(audit)).accept} == {audit.run_id}
    suggested.suggest()
    assert desk.resume() is None


def test_a_certificate_names_who_signs_and_the_model_behind_the_sample(suggested: Project, tmp_path: Path) -> None:
    import_guesses(suggested, tmp_path, 2)
    audit = suggested.review.certificates.draw(0.4, 20)
    suggested.work_as("bob")
    assert perform(suggested, audit, right(audit)) == ""
    (signed,) = suggested.review.certificates.signed()
    assert signed.annotator == "bob"
    assert (signed.model, bool(signed.model_version)) == ("embedded", True)
