"""What is written comes back as the same records, the counters agree, and one event follows each commit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from annotator.domain.geometry import (
    Box,
    Caption,
    GeometryKind,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
    Tag,
)
from annotator.domain.kinds import Decision, ImageState, Source, Split, Task
from annotator.domain.records import (
    Annotation,
    ImageFilter,
    Label,
    Skeleton,
    Suggestion,
    Verdict,
    new_annotation,
    new_id,
    now,
)
from annotator.errors import StoreError
from annotator.events import ChangeSet, Table
from annotator.store import Database, NewImage, Writer
from annotator.store.tallies import ANNOTATOR, ATTRIBUTE, Tallies, attribute_of

GEOMETRIES = (
    Tag(),
    Box(1.5, 2, 30.25, 40),
    RotatedBox(10, 20, 30, 4, 12.5),
    Polygon.of([(0, 0), (10, 0), (10, 10)], [(2, 1), (4, 1), (4, 3)]),
    Mask.from_array(np.eye(7, dtype=bool), 3, 4),
    Polyline(((0, 0), (3.5, 4))),
    Point(3, 4),
    Keypoints(((1, 2, 2), (0, 0, 0))),
    Caption("a cat on a mat"),
)


def _suggestion(run: int, image: int, label: int, confidence: float, **values: object) -> Suggestion:
    return Suggestion(uuid4(), run, image, Box(0, 0, 9, 9), ((label, confidence),), 0.5, confidence, **values)  # type: ignore[arg-type]


def _agree(database: Database) -> None:
    with database.read() as reader:
        assert reader.counters.all() == reader.counters.recount()


def test_every_kind_of_annotation_comes_back_as_it_was(database: Database) -> None:
    drawn = [
        new_annotation(1, 2, geometry, "ada", attributes={"occluded": True}, z_order=i, extra={"id": 7}, track_id=i)
        for i, geometry in enumerate(GEOMETRIES)
        if geometry is not None
    ]
    with database.write() as writer:
        writer.annotations.add_many(drawn)
    with database.read() as reader:
        assert reader.annotations.for_image(1) == tuple(drawn)
        assert reader.pages.load(1).annotations == tuple(drawn)
        assert reader.labels.counts() == {2: (len(GEOMETRIES), 0)}
        assert list(reader.annotations.iterate([2, 1])) == [(2, ()), (1, tuple(drawn))]
    _agree(database)


def test_the_latest_annotations_of_a_kind_come_newest_first(database: Database) -> None:
    def at(second: int, label: int, geometry: Any) -> Annotation:
        made = new_annotation(1 + second % 2, label, geometry, "ada")
        return replace(made, updated_at=f"2026-01-01T00:00:{second:02d}.000Z")

    boxes = [at(second, 1 + second % 3, Box(second, 0, second + 1, 1)) for second in range(6)]
    with database.write() as writer:
        writer.annotations.add_many([*boxes, at(9, 1, Tag())])
    with database.read() as reader:
        assert reader.annotations.latest(GeometryKind.BOX, 4) == boxes[:1:-1]
        assert reader.annotations.latest(GeometryKind.BOX, 4, 1) == [boxes[3], boxes[0]]


def test_images_are_added_once_and_keep_their_order(database: Database) -> None:
    with database.write() as writer:
        again = writer.images.add_many([NewImage("photo 1.jpg", 1), NewImage("new.png", 1), NewImage("new.png", 1)])
        assert again.tolist() == [6]
        elsewhere = writer.images.add_many([NewImage("photo 1.jpg", 0)])
        assert elsewhere.tolist() == [7]
    with database.read() as reader:
        assert reader.images.ids().tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert reader.images.get(6).uri == "new.png"
        assert [image.id for image in reader.images.many([6, 99, 1])] == [6, 1]
        assert reader.images.by_uri("photo 1.jpg", 1).id == 2  # type: ignore[union-attr]
    _agree(database)


def test_a_file_name_that_is_not_utf8_survives(database: Database) -> None:
    name = b"caf\xe9 \xff.jpg".decode("utf-8", "surrogateescape")
    with database.write() as writer:
        (image_id,) = writer.images.add_many([NewImage(name, 1)])
    with database.read() as reader:
        assert reader.images.get(image_id).uri.encode("utf-8", "surrogateescape") == b"caf\xe9 \xff.jpg"
        assert reader.images.ids(ImageFilter(text="CAF")).tolist() == [image_id]


def test_names_that_differ_only_in_composition_are_two_images(database: Database) -> None:
    with database.write() as writer:
        assert len(writer.images.add_many([NewImage("caf\u00e9.jpg", 1), NewImage("cafe\u0301.jpg", 1)])) == 2


def test_filters_choose_and_orders_sort(database: Database) -> None:
    with database.write() as writer:
        writer.images.set_state([2], ImageState.DONE)
        writer.images.set_split([3], Split.VAL)
        writer.images.set_flag([4], True)
        given = [new_annotation(5, 1, Tag(), "ada"), new_annotation(5, 2, Tag(), "bob")]
        writer.annotations.add_many(replace(each, created_at=f"2026-01-0{day}") for day, each in enumerate(given, 1))
        run = writer.runs.start(Task.TAGS, "m", "1")
        writer.suggestions.add_many([_suggestion(run, 1, 3, 0.9), _suggestion(run, 2, 1, 0.4)])

    def chosen(**values: object) -> list[int]:
        with database.read() as reader:
            return reader.images.ids(ImageFilter(**values)).tolist()  # type: ignore[arg-type]

    assert chosen(states=frozenset({ImageState.DONE})) == [2]
    assert chosen(splits=frozenset({Split.VAL})) == [3]
    assert chosen(flagged=True) == [4]
    assert chosen(annotated=True) == [5]
    assert chosen(annotated=False, flagged=False) == [1, 2, 3]
    assert chosen(label_ids=frozenset({2})) == [5]
    assert chosen(annotator="bob") == [5]
    assert chosen(annotator="eve") == []
    assert chosen(suggested=True) == [1, 2]
    assert chosen(suggested=True, label_ids=frozenset({3})) == [1]
    assert chosen(min_confidence=0.8) == [1]
    assert chosen(max_confidence=0.5) == [2]
    assert chosen(text="PHOTO 3") == [4]
    assert chosen(text="100%") == []
    assert chosen(roots=frozenset({9})) == []
    with database.read() as reader:
        assert reader.images.shown_counts([1, 5]) == {1: (0, 1), 5: (2, 0)}
        assert reader.annotations.tags_on([1, 5]) == {5: (1, 2)}
    _agree(database)


def test_image_facts_can_be_filled_in_later(database: Database) -> None:
    with database.write() as writer:
        writer.images.set_info([{"id": 1, "width": 10, "height": 20, "content_hash": "ab"}])
        writer.images.set_state([2], ImageState.MISSING, "The file is gone.")
        writer.images.set_done([1, 3], Task.BOXES)
        writer.images.set_done([3], Task.BOXES, False)
    with database.write() as writer:
        writer.images.relink(2, "moved/photo.jpg", 0)
    with database.read() as reader:
        first, second = reader.images.many([1, 2])
        assert (first.width, first.height, first.content_hash) == (10, 20, "ab")
        assert (second.uri, second.root_id, second.state) == ("moved/photo.jpg", 0, ImageState.NEW)
        assert [image.id for image in reader.images.by_hash("ab")] == [1]
        assert reader.images.done_ids(Task.BOXES).tolist() == [1]
        assert reader.images.problems() == []
    _agree(database)


def test_labels_keep_all_their_fields_and_never_reuse_an_id(database: Database) -> None:
    person = Label(
        0,
        "person",
        "#fff",
        3,
        "p",
        ("human", "man"),
        "somebody",
        1,
        1,
        Skeleton(("head", "hip"), ((0, 1),)),
        {"age": "int"},
    )
    with database.write() as writer:
        label_id = writer.labels.add(person)
        writer.labels.update([replace(person, id=label_id, name="people")])
    with database.write() as writer:
        assert writer.labels.by_name("people") == replace(person, id=label_id, name="people")
        writer.labels.remove(label_id)
        assert writer.labels.next_id() == label_id + 1
        with pytest.raises(StoreError, match="no label number"):
            writer.labels.get(label_id)
        writer.labels.add(replace(person, id=label_id))
        assert writer.labels.get(label_id).name == "person"


def test_a_verdict_closes_its_suggestion_and_taking_it_back_opens_it(database: Database) -> None:
    with database.write() as writer:
        run = writer.runs.start(Task.BOXES, "m", "1")
        first = _suggestion(run, 1, 1, 0.9, task=Task.BOXES)
        writer.suggestions.add_many([first])
        verdict = Verdict(first.id, 1, Decision.REJECTED, None, "ada", now(), 1.5)
        writer.verdicts.add_many([verdict])
    with database.read() as reader:
        assert reader.suggestions.for_image(1) == ()
        assert reader.verdicts.for_image(1) == (verdict,)
        assert reader.verdicts.judged(Task.BOXES) == [(first, verdict)]
        assert reader.verdicts.counts()[Decision.REJECTED] == 1
    _agree(database)
    with database.write() as writer:
        with pytest.raises(StoreError, match="judged elsewhere"):
            writer.verdicts.add_many([verdict])
        writer.verdicts.remove_many([verdict])
    with database.read() as reader:
        assert reader.suggestions.for_image(1) == (first,)
        assert reader.labels.counts() == {1: (0, 1)}
    _agree(database)


def test_a_later_run_supersedes_what_is_open_and_spares_what_was_judged(database: Database) -> None:
    with database.write() as writer:
        run = writer.runs.start(Task.TAGS, "m", "1")
        judged, still_open = _suggestion(run, 1, 1, 0.9), _suggestion(run, 1, 2, 0.8)
        writer.suggestions.add_many([judged, still_open])
        verdict = Verdict(judged.id, 1, Decision.REJECTED, None, "ada", now())
        writer.verdicts.add_many([verdict])
        second = writer.runs.start(Task.TAGS, "m", "2")
        fresh = _suggestion(second, 1, 3, 0.7)
        writer.suggestions.add_many([fresh])
        assert writer.suggestions.supersede(Task.TAGS, [1], keep_run=second) == 1
        writer.runs.progress(second, 1, 1, finished=True)
    with database.write() as writer:
        writer.verdicts.remove_many([verdict])
    with database.read() as reader:
        assert {s.id for s in reader.suggestions.for_image(1)} == {judged.id, fresh.id}
        assert reader.runs.latest(Task.TAGS).id == second  # type: ignore[union-attr]
        assert [s.id for s in reader.suggestions.pile(Task.TAGS, at_least=0.8)] == [judged.id]
        assert sorted(reader.suggestions.confidences(Task.TAGS)) == [0.7, 0.9]
    _agree(database)


def test_an_annotation_that_changed_meanwhile_is_not_overwritten(database: Database) -> None:
    old = new_annotation(1, 1, Box(0, 0, 5, 5), "ada")
    with database.write() as writer:
        writer.annotations.add_many([old])
        writer.annotations.update_many([(old, replace(old, label_id=2, updated_at="later"))])
    with pytest.raises(StoreError, match="changed elsewhere"), database.write() as writer:
        writer.annotations.update_many([(old, replace(old, label_id=3))])
    with pytest.raises(StoreError, match="changed elsewhere"), database.write() as writer:
        writer.annotations.remove_many([old])
    with database.read() as reader:
        assert reader.annotations.for_image(1)[0].label_id == 2
    _agree(database)


def test_one_event_follows_each_commit_and_none_a_rollback(database: Database) -> None:
    heard: list[ChangeSet] = []
    unsubscribe = database.subscribe(heard.append)
    with database.write("ada") as writer:
        writer.images.set_note(2, "blurred")
        writer.annotations.add_many([new_annotation(3, 1, Tag(), source=Source.IMPORTED)])
    assert heard == [ChangeSet(frozenset({Table.IMAGE, Table.ANNOTATION}), (2, 3), initiator="ada")]

    def break_off(writer: Writer) -> None:
        writer.images.set_note(2, "sharp")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), database.write() as writer:
        break_off(writer)
    assert len(heard) == 1
    unsubscribe()
    with database.write() as writer:
        writer.settings.set("slider", 0.5)
    assert len(heard) == 1
    with database.read() as reader:
        assert reader.images.get(2).note == "blurred"
        assert reader.settings.get("slider") == 0.5
        assert reader.settings.get("nothing", "default") == "default"


def test_a_project_can_be_reopened_for_reading_only(database: Database, tmp_path: Path) -> None:
    with Database.open(tmp_path / "small.annotator", read_only=True) as again:
        with again.read() as reader:
            assert reader.images.count() == 5
        with pytest.raises(StoreError, match="reading only"), again.write():
            pass


def test_images_are_found_by_annotator_and_by_attribute_through_bulk_edits_and_their_undo(database: Database) -> None:
    with database.write() as writer:
        root = writer.images.add_root("/pictures")
        writer.images.add_many(NewImage(f"{n}.jpg", root) for n in range(3))
        writer.labels.add(Label(0, "cat", group_id=1))
        made = [new_annotation(1, 1, Box(0, 0, 5, 5), "ada", attributes={"occluded": True})]
        made += [new_annotation(2, 1, Box(0, 0, 5, 5), "bob", attributes={"occluded": False, "pose": "left=up"})]
        made += [new_annotation(2, 1, Box(0, 0, 9, 9), "ada")]
        writer.annotations.add_many(made)

    def found(**wanted: Any) -> list[int]:
        with database.read() as reader:
            assert reader.counters.all() == reader.counters.recount()
            return reader.images.ids(ImageFilter(**wanted)).tolist()

    assert (found(annotator="ada"), found(annotator="bob"), found(annotator="eve")) == ([1, 2], [2], [])
    assert (found(attribute=("occluded", True)), found(attribute=("occluded", False))) == ([1], [2])
    assert found(attribute=("pose", "left=up"), annotator="ada") == [2]
    with database.read() as reader:
        tallies = Tallies(reader.connection)
        assert tallies.keys(ANNOTATOR) == ["ada", "bob"]
        assert [attribute_of(key) for key in tallies.keys(ATTRIBUTE)] == [
            ("occluded", False),
            ("occluded", True),
            ("pose", "left=up"),
        ]
    with database.write() as writer:
        writer.annotations.update_many([(made[0], replace(made[0], attributes={"occluded": False}))])
    assert found(attribute=("occluded", False)) == [1, 2]
    batch = new_id()
    with database.write() as writer:
        writer.batches.begin(batch)
        writer.batches.remove_label(batch, 1)
    assert found(annotator="ada") == found(attribute=("occluded", False)) == []
    with database.read() as reader:
        assert Tallies(reader.connection).keys(ANNOTATOR) == []
    with database.write() as writer:
        writer.batches.toggle(batch, False)
    assert (found(annotator="ada"), found(annotator="bob")) == ([1, 2], [2])
