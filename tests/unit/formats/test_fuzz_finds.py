"""What the fuzzer found: each was a traceback once, and is one clear line now."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from annotator.errors import FormatError, StoreError
from annotator.formats import registry
from annotator.store.types import dump_json, dump_mapping

HUGE = 10**400


def read(format_id: str, path: Path, *, skip_bad: bool = False) -> None:
    list(registry.reader(format_id).read(path, image_size=lambda _: (61, 47), skip_bad=skip_bad).dataset.images)


def refused(format_id: str, path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read(format_id, path)
    assert str(path) in str(caught.value)


def results(folder: Path, record: str) -> Path:
    folder.mkdir()
    coco = {"images": [{"id": 1, "file_name": "a.jpg", "width": 61, "height": 47}], "annotations": []}
    coco["categories"] = [{"id": 1, "name": "cat"}]
    (folder / "instances.json").write_text(json.dumps(coco))
    (folder / "results.json").write_text(f"[{record}]")
    return folder


def test_an_infinite_score_of_a_results_list(tmp_path: Path) -> None:
    refused("coco", results(tmp_path / "a", '{"image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 1e999}'))


def test_lone_surrogates_in_ids(tmp_path: Path) -> None:
    refused("coco", results(tmp_path / "a", '{"image_id": "\\ud800", "category_id": NaN, "bbox": [1, 1, 2, 2]}'))


def task(**values: Any) -> str:
    result = {"id": "a", "type": "choices", "from_name": "x", "to_name": "y", "value": {"choices": ["cat"]}, **values}
    return json.dumps([{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"id": 1, "result": [result]}]}])


@pytest.mark.parametrize("value", [{"choices": 7}, {"taxonomy": 7}])
def test_choices_that_are_no_list(value: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(task(value=value, type=next(iter(value))))
    read("label_studio", tmp_path / "a.json", skip_bad=True)


def test_sizes_beyond_float64(tmp_path: Path) -> None:
    box = {"x": 1.0, "y": 1.0, "width": 2.0, "height": 2.0, "rectanglelabels": ["cat"]}
    text = task(type="rectanglelabels", value=box, original_width=10, original_height=20)
    (tmp_path / "a.json").write_text(text.replace("20", str(HUGE)))
    refused("label_studio", tmp_path / "a.json")


def test_bytes_that_are_no_text_in_foreign_fields(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(task(note="MARK").encode().replace(b"MARK", b"\xa5"))
    refused("label_studio", tmp_path / "a.json")


def test_detections_without_a_class(tmp_path: Path) -> None:
    for name, line in (("det/det.txt", "1,-1,5,5,6,6,0.9,-1,-1,-1\n"), ("gt/labels.txt", "\n")):
        file = tmp_path / "set/train/one" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(line)
    read("mot", tmp_path / "set", skip_bad=True)


def test_a_zip_with_a_member_without_a_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("x", "{}")
    data = (tmp_path / "a.zip").read_bytes().replace(b"x{}", b"\x00{}").replace(b"\x00x", b"\x00\x00")
    (tmp_path / "a.zip").write_bytes(data[:-1] + b"\x00" if not data.endswith(b"\x00") else data)
    refused("archive", tmp_path / "a.zip")


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_values_that_no_json_holds_are_not_stored(value: Any) -> None:
    with pytest.raises(StoreError, match="cannot be stored"):
        dump_json(value)
    with pytest.raises(StoreError, match="cannot be stored"):
        dump_mapping({"a": value})
