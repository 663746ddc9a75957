"""Every filter, alone and with others, chooses what looking at each record would; and large reads go through their indexes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import Connection, event

from annotator.domain.geometry import Box
from annotator.domain.kinds import ImageState, Split, Task
from annotator.domain.records import Annotation, Image, ImageFilter, Label, Suggestion, new_annotation
from annotator.store import Database, ImageOrder, NewImage
from annotator.store.id_arrays import among, sorted_once

IMAGES = 60
FIELDS: dict[str, tuple[object, ...]] = {
    "text": ("b",),
    "states": (frozenset({ImageState.DONE}),),
    "splits": (frozenset({Split.TEST, Split.VAL}),),
    "flagged": (True,),
    "annotated": (True, False),
    "label_ids": (frozenset({1, 3}),),
    "annotator": ("ada",),
    "attribute": (("occluded", True),),
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Sixty images that differ in everything a filter looks at."""
    pick = random.Random(5)
    with Database.create(tmp_path_factory.mktemp("filters") / "mixed.annotator") as database:
        with database.write("test") as writer:
            names = [f"{pick.choice('abc')}{number}.jpg" for number in range(IMAGES)]
            ids = writer.images.add_many(NewImage(name) for name in names).tolist()
            for position, name in enumerate(("cat", "dog", "bird")):
                writer.labels.add(Label(0, name, "#4E9BFF", position, group_id=1))
            writer.images.set_state(pick.sample(ids, 30), ImageState.DONE)
            writer.images.set_split(pick.sample(ids, 30), Split.VAL)
            writer.images.set_flag(pick.sample(ids, 30), True)
            drawn = [
                new_annotation(
                    image,
                    pick.randint(1, 3),
                    Box(0, 0, 5, 5),
                    pick.choice(("ada", "bob")),
                    attributes=pick.choice(({}, {"occluded": True})),
                )
                for image in pick.choices(ids, k=70)
            ]
            writer.annotations.add_many(drawn)
            run = writer.runs.start(Task.BOXES, "test", "1")
            writer.suggestions.add_many(
                Suggestion(uuid4(), run, image, Box(0, 0, 9, 9), ((pick.randint(1, 3), 0.5),), 0.5, pick.random())
                for image in pick.choices(ids, k=50)
            )
        yield database


def _passes(wanted: ImageFilter, image: Image, drawn: tuple[Annotation, ...]) -> bool:
    return (
        wanted.text in image.uri
        and (not wanted.states or image.state in wanted.states)
        and (not wanted.splits or image.split in wanted.splits)
        and (wanted.flagged is None or image.flagged == wanted.flagged)
        and (wanted.annotated is None or bool(drawn) == wanted.annotated)
        and (not wanted.label_ids or any(a.label_id in wanted.label_ids for a in drawn))
        and (not wanted.annotator or any(a.annotator == wanted.annotator for a in drawn))
        and (wanted.attribute is None or any(wanted.attribute in a.attributes.items() for a in drawn))
    )


def test_any_two_filters_together_choose_what_a_look_at_every_image_chooses(mixed: Database) -> None:
    singles = [{name: value} for name, values in FIELDS.items() for value in values]
    pairs = [{**one, **two} for one, two in combinations(singles, 2) if one.keys() != two.keys()]
    with mixed.read() as reader:
        images = reader.images.many(reader.images.ids())
        assert len(images) == IMAGES
        found_something = 0
        for values in [{}, *singles, *pairs]:
            wanted = ImageFilter(**values)  # type: ignore[arg-type]
            expected = [i.id for i in images if _passes(wanted, i, reader.annotations.for_image(i.id))]
            assert reader.images.ids(wanted).tolist() == expected, values
            by_name = sorted(expected, key=lambda each: (images[each - 1].uri.casefold(), each))
            assert reader.images.ids(wanted, ImageOrder.NAME).tolist() == by_name, values
            assert reader.images.passing(range(1, 20), wanted).tolist() == [i for i in expected if i < 20], values
            found_something += bool(expected)
    assert found_something > len(pairs) / 2


def _plans(connection: Connection, statements: list[tuple[str, tuple[object, ...]]]) -> list[str]:
    return [
        " / ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
        for text, values in statements
    ]


def test_what_is_open_and_what_images_carry_is_read_through_indexes(mixed: Database) -> None:
    statements: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _cursor: object, text: str, values: tuple[object, ...], *_: object) -> None:
        statements.append((text, values))

    event.listen(mixed.engine, "before_cursor_execute", note)
    try:
        with mixed.read() as reader:
            reader.suggestions.image_ids([Task.BOXES], [1], 0.2, 0.8)
            reader.suggestions.confidences(Task.BOXES, 2)
            reader.suggestions.open_by_label()
            reader.images.ids(ImageFilter(annotator="ada"))
            reader.images.ids(ImageFilter(attribute=("occluded", True)))
            reader.images.ids(ImageFilter(label_ids=frozenset({1})))
            reader.suggestions.counts_on([1, 2], Task.BOXES)
            reader.images.shown_counts([1, 2])
    finally:
        event.remove(mixed.engine, "before_cursor_execute", note)
    asked = [(text, values) for text, values in statements if not text.startswith(("BEGIN", "PRAGMA"))]
    with mixed.engine.connect() as connection:
        plans = _plans(connection, asked)
    indexes = ("ix_suggestion_open", "ix_suggestion_open", "ix_suggestion_open", "image_tally USING PRIMARY KEY")
    indexes += ("image_tally USING PRIMARY KEY", "ix_annotation_label", "ix_suggestion_image_id")
    for plan, index in zip(plans, indexes, strict=False):
        assert index in plan, plan
    for plan in plans:
        assert not any(f"SCAN {table}" in plan for table in ("annotation", "image", "image_tally")), plan


def test_ids_are_marked_whatever_their_order() -> None:
    some = np.asarray([7, 3, 3, 9], np.int64)
    assert sorted_once(some).tolist() == [3, 7, 9]
    assert among(some, np.asarray([9, 1, 12, 3], np.int64)).tolist() == [True, False, False, True]
    assert among(np.empty(0, np.int64), some).tolist() == [False] * 4
    assert sorted_once(np.empty(0, np.int64)).tolist() == []
