"""A path that may be in several formats is never guessed: each reason is said, and a person names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.domain.geometry import Box
from annotator.errors import FormatError
from annotator.formats import registry
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

DATASET = Dataset(
    (DatasetLabel("cat"),), (DatasetImage("a.jpg", (DatasetAnnotation("cat", Box(1, 2, 5, 9)),), 40, 30),)
)


def test_two_formats_in_one_folder_are_both_named_with_what_was_seen(tmp_path: Path) -> None:
    for format_id in ("coco", "voc"):
        registry.writer(format_id).write(DATASET, tmp_path / format_id)
    assert {found.format for found in registry.detect(tmp_path)} == {"coco", "voc"}
    with pytest.raises(FormatError, match="may be in several formats") as caught:
        registry.detect_one(tmp_path)
    for reason in ("coco/annotations/instances.json", "voc/Annotations/a.xml"):
        assert reason in str(caught.value)
    assert registry.reader("voc").read(tmp_path / "voc").dataset.labels[0].name == "cat"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", '{"info": {"year": 2017},\n "licenses": [{"id": 1', "a.json is damaged JSON: line 2 column 2"),
        ("a.json", "{", "a.json is damaged JSON: line 1 column "),
        ("a.json", '[{"info": nothing}]', "a.json is damaged JSON: line 1 column 11: "),
        ("a.xml", '<?xml version="1.0"?>\n<things>\n<thing>', "a.xml is damaged XML: line 3 column 7: "),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_a_damaged_file_is_called_damaged_with_the_place_and_a_cure(
    name: str, content: str, said: str, within: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(FormatError) as caught:
        registry.detect_one(tmp_path if within else tmp_path / name)
    assert said in caught.value.what
    assert "copy, download or write it again" in caught.value.cure


@pytest.mark.parametrize("content", ['{"a": 1}', "<a><b/></a>", "<html><br></p>", "{curly words}", "[1] a note"])
def test_what_is_whole_or_no_such_file_at_all_is_not_called_damaged(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(FormatError, match="in no format that is known here"):
        registry.detect_one(tmp_path / "a.json")


def test_what_is_in_no_format_lists_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    with pytest.raises(FormatError, match="in no format that is known here") as caught:
        registry.detect_one(tmp_path)
    assert all(format_id in str(caught.value) for format_id in registry.formats())
