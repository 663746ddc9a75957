"""Imported annotations of one picture keep the order of their file, which is the order in which they are drawn and exported."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image as Picture

from annotator import Project


def test_annotations_come_out_in_the_order_in_which_they_came_in(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    Picture.new("RGB", (200, 100)).save(tmp_path / "photos/a.png")
    boxes = [[(7 * place) % 150, 1, 5, 5 + place] for place in range(40)]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": place + 1, "image_id": 1, "category_id": 1, "bbox": box, "iscrowd": 0}
            for place, box in enumerate(boxes)
        ],
    }
    (tmp_path / "in.json").write_text(json.dumps(content))
    with Project.create(tmp_path / "p.annotator", tmp_path / "photos") as project:
        project.import_dataset(tmp_path / "in.json", "coco")
        project.export(tmp_path / "out.json", "coco")
    records = json.loads((tmp_path / "out.json").read_text())["annotations"]
    assert [record["bbox"] for record in records] == boxes
