"""The audit over a project: a wrong tag is named with the right label, a copied file with its first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.domain.geometry import Box
from annotator.domain.kinds import Split, Task
from annotator.domain.overlap import iou
from annotator.domain.records import Image, Label, new_annotation
from annotator.edits import draw as draw_shape
from annotator.edits import mark_done, set_split, set_tag
from annotator.errors import AnnotatorError, UsageError
from annotator.learning.detection.decode import Found
from annotator.models.embedded.model import EmbeddedModel
from annotator.project import Project
from annotator.usecases import audit_shapes
from annotator.usecases.box_pictures import Opened, Pictures
from annotator.usecases.box_sources import Looked


def test_a_wrong_tag_and_a_copied_file_are_found_and_nothing_changes(project: Project, pictures: Path) -> None:
    shutil.copy(pictures / "red" / "0.png", pictures / "blue" / "copy.png")
    project.scan()
    with pytest.raises(AnnotatorError, match="too few tags"):
        project.audit(("labels",))
    wrong = 0
    for image in project.images.many(project.images.ids().tolist()):
        label = project.labels.by_name("red" if image.uri.endswith("copy.png") else image.uri.split("/")[0])
        if image.uri == "green/3.png":
            label, wrong = project.labels.by_name("blue"), image.id
        assert label is not None
        page = project.history.page(image.id)
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    project.history.flush()
    before = project.stats().sources
    found = project.audit().findings
    worst = next(each for each in found if each.kind == "label")
    assert (worst.image_id, worst.given, worst.other) == (wrong, "blue", "green")
    same = [each for each in found if each.kind == "duplicate" and "the same file" in each.reason]
    assert [{each.uri, each.other} for each in same] == [{"red/0.png", "blue/copy.png"}]
    assert project.stats().sources == before
    assert not [each for each in project.audit(("labels",)).findings if each.kind == "duplicate"]


def tag_all(project: Project, annotator: str = "ann") -> dict[str, int]:
    """Tag every picture with its folder's colour; returns image ids by uri."""
    found = {}
    for image in project.images.many(project.images.ids().tolist()):
        label = project.labels.by_name(image.uri.split("/")[0])
        assert label is not None
        page = project.history.page(image.id)
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator=annotator))
        found[image.uri] = image.id
    project.history.flush()
    return found


def test_findings_are_fixed_kept_and_skipped_by_edits_that_can_be_undone(project: Project) -> None:
    ids = tag_all(project)
    blue = project.labels.by_name("blue")
    assert blue is not None
    for uri in ("green/3.png", "red/4.png", "red/5.png"):
        page = project.history.page(ids[uri])
        project.history.perform(set_tag(page, blue.id, project.history.vocabulary(), annotator="ann"))
    project.history.flush()
    found = {each.uri: each for each in project.audit(("labels",)).findings}
    assert {"green/3.png", "red/4.png", "red/5.png"} <= set(found)
    desk, history = project.review.findings, project.history
    history.perform(desk.fix([found["green/3.png"]], history.page))
    history.perform(desk.keep([found["red/4.png"]]))
    history.perform(desk.skip([found["red/5.png"]]))
    history.flush()
    green = project.labels.by_name("green")
    assert green is not None and project.images.tags([ids["green/3.png"]]) == {ids["green/3.png"]: (green.id,)}
    last = desk.last()
    assert last is not None
    listed = {each.uri: each.state for each in last.findings}
    assert "green/3.png" not in listed and "red/4.png" not in listed
    assert last.findings[-1].uri == "red/5.png" and listed["red/5.png"] == "skipped"
    again = {each.uri for each in project.audit(("labels",)).findings}
    assert "red/4.png" not in again and "red/5.png" in again
    for _ in range(3):
        history.undo()
    history.flush()
    last = desk.last()
    assert last is not None and {each.uri for each in last.findings} >= {"red/4.png", "red/5.png"}
    assert project.images.tags([ids["green/3.png"]]) == {ids["green/3.png"]: (blue.id,)}


def test_the_same_picture_saved_otherwise_is_found_and_moved_to_one_split(project: Project, pictures: Path) -> None:
    small = np.random.default_rng(5).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    pixels = cv2.resize(small, (384, 256), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(pictures / "green" / "2.png"), pixels)
    cv2.imwrite(str(pictures / "green" / "again.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    project.scan()
    by_uri = {image.uri: image for image in project.images.many(project.images.ids().tolist())}
    first, copy = by_uri["green/2.png"], by_uri["green/again.jpg"]
    project.history.perform(set_split((first,), Split.TRAIN, annotator="ann"))
    project.history.perform(set_split((copy,), Split.TEST, annotator="ann"))
    project.history.flush()
    found = project.audit(("duplicates",)).findings
    (one,) = [each for each in found if {each.uri, each.other} == {"green/2.png", "green/again.jpg"}]
    assert one.reason.startswith("the same picture as") and one.reason.endswith("and they are in train and test")
    project.history.perform(project.review.findings.fix([one], project.history.page))
    project.history.flush()
    assert project.images.get(copy.id).split is Split.TRAIN


def test_copies_in_a_generated_set_are_found_and_strangers_are_not(project: Project, pictures: Path) -> None:
    """Ten scenes; of six a copy in another folder: other quality, half the size, brighter, a little cropped."""
    changes = {
        "quality": lambda p: p,
        "half": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "brighter": lambda p: np.clip(p.astype(np.int16) + 12, 0, 255).astype(np.uint8),
        "cropped": lambda p: p[2:-2, 3:-3],
    }
    rng = np.random.default_rng(8)
    copies: dict[str, str] = {}
    for number in range(10):
        coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        scene = cv2.resize(coarse, (256, 192), interpolation=cv2.INTER_CUBIC)
        (pictures / "scenes").mkdir(exist_ok=True)
        (pictures / "again").mkdir(exist_ok=True)
        cv2.imwrite(str(pictures / "scenes" / f"{number}.png"), scene)
        if number < 6:
            name = list(changes)[number % len(changes)]
            cv2.imwrite(
                str(pictures / "again" / f"{number}-{name}.jpg"), changes[name](scene), [cv2.IMWRITE_JPEG_QUALITY, 80]
            )
            copies[f"again/{number}-{name}.jpg"] = f"scenes/{number}.png"
    project.scan()
    images = project.images.many(project.images.ids().tolist())
    first = [image for image in images if image.uri in copies.values()]
    later = [image for image in images if image.uri in copies]
    project.history.perform(set_split(first, Split.TRAIN, annotator="ann"))
    project.history.perform(set_split(later[:3], Split.TEST, annotator="ann"))
    project.history.perform(set_split(later[3:], Split.TRAIN, annotator="ann"))
    project.history.flush()
    scenes = {image.uri for image in images if image.uri.startswith(("scenes/", "again/"))}
    found = [each for each in project.audit(("duplicates",)).findings if {each.uri, each.other} & scenes]
    assert {frozenset((each.uri, each.other)) for each in found} == {frozenset(pair) for pair in copies.items()}
    apart = {image.uri for image in later[:3]}
    across = {frozenset((each.uri, each.other)) for each in found if "and they are in" in each.reason}
    assert across == {frozenset((uri, copies[uri])) for uri in apart}
    moved = {frozenset((each.uri, each.other)) for each in found if each.fix.startswith("move to ")}
    assert moved == across, "a copy in another split is moved beside the first, any other is left out"


def test_annotators_who_differ_are_named_and_agreement_with_another_dataset_is_measured(
    project: Project, tmp_path: Path
) -> None:
    ids = tag_all(project)
    project.work_as("bob")
    red, green = project.labels.by_name("red"), project.labels.by_name("green")
    assert red is not None and green is not None
    page = project.history.page(ids["green/1.png"])
    project.history.perform(set_tag(page, red.id, project.history.vocabulary(), annotator="bob"))
    project.history.flush()
    lines = [f"{uri},{'red' if uri in ('blue/0.png', 'blue/1.png') else uri.split('/')[0]}" for uri in sorted(ids)]
    other = tmp_path / "carla.csv"
    other.write_text("image,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    result = project.audit(("agreement",), against=[other])
    inside, figure = result.agreement
    assert (inside.annotators, inside.images) == (("ann", "bob"), 1)
    assert (figure.annotators, figure.images) == (("carla", "this project"), 24)
    assert figure.kappa["carla, this project"] == pytest.approx(13 / 16, abs=0.01)
    assert figure.alpha == pytest.approx(13 / 16, abs=0.02)
    said = {each.uri: each for each in result.findings}
    assert set(said) == {"green/1.png", "blue/0.png", "blue/1.png"}
    assert said["green/1.png"].reason == "ann says green, bob says red, carla says green"
    assert said["green/1.png"].fix == "tag it green"
    project.history.perform(project.review.findings.fix([said["green/1.png"]], project.history.page))
    project.history.flush()
    assert project.images.tags([ids["green/1.png"]]) == {ids["green/1.png"]: (green.id,)}


def test_people_who_tag_the_same_pictures_agree_or_not_by_the_pictures_that_both_answered(project: Project) -> None:
    """Ann tags all 24; Bob goes over nine of them, says the same of six and something else of three."""
    ids = tag_all(project)
    project.work_as("bob")
    vocabulary = project.history.vocabulary()
    by_name = {label.name: label.id for label in project.labels.all()}
    for color, other in (("red", "green"), ("green", "blue"), ("blue", "red")):
        for number, said in ((0, color), (1, color), (2, other)):
            page = project.history.page(ids[f"{color}/{number}.png"])
            project.history.perform(set_tag(page, by_name[said], vocabulary, annotator="bob"))
    project.history.flush()
    (figure,) = project.audit(("agreement",)).agreement
    assert (figure.annotators, figure.images, figure.shared) == (("ann", "bob"), 9, {"ann, bob": 9})
    assert figure.kappa["ann, bob"] == pytest.approx(0.5), "6 of 9 agree where chance gives 3"
    assert figure.alpha == pytest.approx(1 - 17 * 6 / (18 * 12)), "Krippendorff (2011), nominal"
    assert project.review.insights.agreement() == (figure,)
    page = project.history.page(ids["red/0.png"])
    assert [a.annotator for a in page.annotations] == ["bob"], "who repeats a tag stands by it"
    for _ in range(9):
        project.history.undo()
    project.history.flush()
    assert [a.annotator for a in project.history.page(ids["red/0.png"]).annotations] == ["ann"]


def test_outlines_are_compared_with_what_the_segmenter_sees(project: Project, pictures: Path) -> None:
    """A white disc on a dark ground: a box around it stands, one that is far too large is named and fixed."""
    disc = np.full((192, 192, 3), (40, 60, 30), np.uint8)
    cv2.circle(disc, (96, 96), 32, (250, 250, 250), -1)
    for name in ("tight", "wide"):
        cv2.imwrite(str(pictures / f"{name}.png"), disc)
    project.scan()
    by_uri = {image.uri: image.id for image in project.images.many(project.images.ids().tolist())}
    label = project.labels.all()[0]
    for name, side in (("tight", 34), ("wide", 60)):
        page = project.history.page(by_uri[f"{name}.png"])
        box = Box(96 - side, 96 - side, 96 + side, 96 + side)
        project.history.perform(draw_shape(page, new_annotation(page.image.id, label.id, box, "ann")))
    project.history.flush()
    (found,) = project.audit(("shapes",)).findings
    assert found.uri == "wide.png" and found.geometry is not None and found.fix == "take the model's outline"
    project.history.perform(project.review.findings.fix([found], project.history.page))
    project.history.flush()
    (fixed,) = project.history.page(by_uri["wide.png"]).annotations
    assert iou(fixed.geometry, Box(64, 64, 128, 128)) > 0.7
    assert project.audit(("shapes",)).findings == ()


def test_a_tag_that_is_missing_is_named_with_where_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model that sees the label of the first class in the upper left corner of every picture."""
    project.labels.set_group("labels", exclusive=False)
    ids = project.images.ids().tolist()
    red = project.labels.all()[0]
    vocabulary = project.history.vocabulary()
    for image_id in ids[:2]:
        project.history.perform(mark_done([project.history.page(image_id)], Task.TAGS, annotator="ann"))
    project.history.perform(set_tag(project.history.page(ids[0]), red.id, vocabulary, annotator="ann"))
    project.history.flush()
    cells = np.zeros((7, 7, 1000), np.float32)
    cells[0, 0, 5] = 20.0
    monkeypatch.setattr(EmbeddedModel, "cell_logits", lambda self, images: np.stack([cells] * len(images)))
    monkeypatch.setattr(
        EmbeddedModel, "nearest_classes", lambda self, labels, count=10: np.asarray([[5], [6], [7]])[: len(labels)]
    )
    (found,) = project.audit(("missing",)).findings
    assert (found.image_id, found.other, found.given) == (ids[1], "red", "")
    image = project.images.get(ids[1])
    assert found.where == pytest.approx(((image.width - 64) / 2, 0, (image.width - 64) / 2 + 64 / 7, 64 / 7), abs=0.1)
    project.history.perform(project.review.findings.fix([found], project.history.page))
    project.history.flush()
    assert project.images.tags([ids[1]]) == {ids[1]: (red.id,)}


def test_an_unknown_part_is_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="no part 'colours'"):
        project.audit(("colours",))


class Eye:
    """A source of suggestions that sees one box of one label in every picture."""

    model_id, version, sure_from = "eye", "1", 0.5

    def __init__(self, label: Label, box: tuple[float, float, float, float]) -> None:
        self.labels = (label,)
        self._box = box

    def open(self, pictures: Pictures, images: Sequence[Image]) -> Iterator[tuple[Image, Opened | None]]:
        for image in images:
            yield image, Opened(np.zeros((4, 4, 3), np.uint8), 1.0, image.width, image.height)

    def look(self, opened: Opened) -> Looked:
        one = np.zeros(1, np.int64)
        box, score = np.asarray([self._box], np.float32), np.asarray([0.8], np.float32)
        return Looked(Found(box, score, one, np.ones((1, 1), np.float32), one, score * 0, score < 0))


def test_the_projects_own_detector_names_what_is_missing_too_much_and_called_otherwise(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    red, green, _ = project.labels.all()
    eye = Eye(red, (10, 10, 50, 50))
    monkeypatch.setattr(audit_shapes, "choose_source", lambda parts, request, labels: eye)
    ids = project.images.ids().tolist()[:4]
    history = project.history
    for image_id, label, box in (
        (ids[0], red, Box(11, 11, 50, 50)),
        (ids[1], green, Box(11, 11, 50, 50)),
        (ids[2], red, Box(60, 30, 90, 60)),
    ):
        history.perform(draw_shape(history.page(image_id), new_annotation(image_id, label.id, box, "ann")))
    for image_id in ids:
        history.perform(mark_done([history.page(image_id)], Task.BOXES, annotator="ann"))
    history.flush()
    found = project.audit(("shapes",)).findings
    assert [(each.image_id, each.fix) for each in found if each.image_id == ids[0]] == []
    said = {(each.image_id, each.fix) for each in found}
    assert said == {(ids[1], "call it red"), (ids[2], "draw red"), (ids[2], "delete it"), (ids[3], "draw red")}
    history.perform(project.review.findings.fix(found, history.page))
    history.flush()
    for image_id in ids:
        (only,) = history.page(image_id).annotations
        assert only.label_id == red.id and iou(only.geometry, Box(10, 10, 50, 50)) > 0.9
    assert project.audit(("shapes",)).findings == ()
    history.undo()
    history.flush()
    assert [len(history.page(image_id).annotations) for image_id in ids] == [1, 1, 1, 0]
