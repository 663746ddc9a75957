"""Keypoints come back as keypoints alone, although COCO puts a box around them whose far side is rounded."""

from __future__ import annotations

from annotator.domain.geometry import Keypoints
from annotator.formats.coco.records import read_record
from annotator.formats.coco.shapes import keypoint_fields


def test_the_box_around_keypoints_is_not_taken_for_a_drawn_one() -> None:
    for x in (0.0, 1.0):  # in a line the box has no area
        points = Keypoints(((0.0, 0.0, 0), (0.0, 1.405878538538479, 1), (x, 18.18974770510714, 1)))
        fields = keypoint_fields(points)
        _, y, _, height = fields["bbox"]
        assert y + height != 18.18974770510714, "the example no longer shows the rounding"
        (found,) = read_record({"id": 1, "image_id": 1, "category_id": 1, **fields}, "cat", 61, 47, suggested=False)
        assert found.geometry == points
