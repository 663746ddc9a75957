"""The shape of Label Studio's JSON. Results stay unparsed until their task is read."""

from __future__ import annotations

from typing import Any

import msgspec


class Task(msgspec.Struct):
    data: dict[str, Any]
    annotations: list[msgspec.Raw] | None = None
    completions: list[msgspec.Raw] | None = None
    predictions: list[msgspec.Raw] | None = None


class Annotated(msgspec.Struct):
    """One person's annotations of a task, or one model's predictions."""

    result: list[msgspec.Raw] = []
    was_cancelled: bool = False
    completed_by: Any = None
    score: float | None = None
    model_version: str | None = None


class Result(msgspec.Struct):
    type: str
    value: dict[str, Any] = {}
    id: str | int | None = None
    from_name: str = ""
    to_name: str = ""
    original_width: int | float | None = None
    original_height: int | float | None = None
    image_rotation: float | None = None
    score: float | None = None
