"""Small text machines of the window: fuzzy matching, pasted lists, attribute schemas, skeletons, durations."""

from __future__ import annotations

import pytest

from annotator.domain.records import Skeleton
from ui.attribute_schema import AttributeType, parse_schema, read_schema, schema_text
from ui.dialogs.fuzzy import score
from ui.dialogs.label_dialog import parse_skeleton, skeleton_text
from ui.panels.jobs_bar import spoken_time
from ui.panels.labels_panel import split_names


def best(query: str, names: list[str]) -> str:
    return max((n for n in names if score(query, n) is not None), key=lambda n: score(query, n) or 0.0)


def test_fuzzy_prefers_whole_words_then_initials() -> None:
    names = ["Show suggestions", "Suggest now", "Bring to front", "Scan the folders again", "Box"]
    assert best("sug", names) == "Suggest now"
    assert best("btf", names) == "Bring to front"
    assert best("folders", names) == "Scan the folders again"
    assert score("xyz", "Box") is None


def test_label_lists_come_in_any_shape() -> None:
    assert split_names("cat, dog\n bird;;cat\t'mouse'\n") == ["cat", "dog", "bird", "mouse"]
    assert split_names(" , \n") == []


def test_schema_text_is_read_back() -> None:
    text = "colour: red, green\nage: number\noccluded: checkbox\nremark: text\nfree"
    schema = parse_schema(text)
    kinds = {a.name: a.type for a in read_schema(schema)}
    assert kinds == {
        "colour": AttributeType.CHOICE,
        "age": AttributeType.NUMBER,
        "occluded": AttributeType.CHECKBOX,
        "remark": AttributeType.TEXT,
        "free": AttributeType.TEXT,
    }
    assert parse_schema(schema_text(schema)) == schema


def test_a_foreign_schema_stays_editable() -> None:
    attributes = read_schema({"pose": "weird", "x": {"type": "select", "choices": ["a", "b"]}})
    assert [a.type for a in attributes] == [AttributeType.TEXT, AttributeType.CHOICE]


def test_skeletons_are_read_back_and_mistakes_named() -> None:
    skeleton = Skeleton(("nose", "left eye", "right eye"), ((0, 1), (0, 2)))
    assert parse_skeleton(skeleton_text(skeleton)) == skeleton
    assert parse_skeleton("  \n") is None
    with pytest.raises(ValueError, match="1-9"):
        parse_skeleton("nose, eye\n1-9")
    with pytest.raises(ValueError, match="12"):
        parse_skeleton("nose, eye\n12")


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (42, "42 s"), (200, "3 min"), (60 * 130, "2 h 10 min")])
def test_durations_are_short(seconds: float, words: str) -> None:
    assert spoken_time(seconds) == words
