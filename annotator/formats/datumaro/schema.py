"""The shape of Datumaro's JSON. Items and annotations stay unparsed until their image is read."""

from __future__ import annotations

from typing import Any

import msgspec


class LabelItem(msgspec.Struct):
    name: str
    parent: str | None = ""
    attributes: list[Any] = []


class LabelCategories(msgspec.Struct):
    labels: list[LabelItem] = []
    label_groups: list[Any] = []
    attributes: list[Any] = []


class PointsItem(msgspec.Struct):
    label_id: int
    labels: list[str] = []
    joints: list[list[int]] = []
    positions: list[float] | None = None


class PointsCategories(msgspec.Struct):
    items: list[PointsItem] = []


class Color(msgspec.Struct):
    label_id: int
    r: int
    g: int
    b: int


class MaskCategories(msgspec.Struct):
    colormap: list[Color] = []


class Categories(msgspec.Struct):
    label: LabelCategories = msgspec.field(default_factory=LabelCategories)
    points: PointsCategories = msgspec.field(default_factory=PointsCategories)
    mask: MaskCategories = msgspec.field(default_factory=MaskCategories)


class Top(msgspec.Struct):
    categories: Categories
    items: list[msgspec.Raw]
    infos: dict[str, Any] = {}
    media_type: Any = None


class ImageInfo(msgspec.Struct):
    path: str | None = None
    size: tuple[int, int] | None = None


class VideoFrame(msgspec.Struct):
    video_path: str | None = None
    frame_index: int = 0


class ItemKey(msgspec.Struct):
    """What names an item."""

    id: str | int
    image: ImageInfo | None = None
    media: ImageInfo | None = None
    video_frame: VideoFrame | None = None


class Item(ItemKey):
    annotations: list[msgspec.Raw] = []
    attr: dict[str, Any] | None = None


class Rle(msgspec.Struct):
    counts: str | list[int]
    size: tuple[int, int]


class Shape(msgspec.Struct):
    type: str
    id: int | None = 0
    group: int | None = 0
    object_id: int | None = None
    label_id: int | None = None
    attributes: dict[str, Any] | None = None
    z_order: int | None = 0
    bbox: tuple[float, float, float, float] | None = None
    points: list[float | list[float]] | None = None
    visibility: list[int] | None = None
    rle: Rle | None = None
    caption: str | None = None
