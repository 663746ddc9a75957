"""What the commands share: the common arguments, the progress bar, and the two ways of answering (for people, for scripts)."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from annotator.domain.kinds import Split, Task
from annotator.errors import UsageError
from annotator.job_context import JobContext

T = TypeVar("T")

FORMATS = (
    "archive, coco, csv, cvat, datumaro, dota, imagenet, label_studio, labelme, masks, mot, open_images, voc or yolo"
)
"""The formats' ids for the help, spelt out: looking them up would make every command start later."""

ProjectPath = Annotated[
    Path, typer.Argument(metavar="PROJECT", help="The project's folder, or the folder of images it belongs to.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]
DeviceName = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
TaskName = Annotated[Task, typer.Option("--task", metavar="<tags|boxes|masks>", help="What to work on.")]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out what is wrong in the file and warn, instead of stopping.")
]
SplitNames = Annotated[
    list[Split] | None, typer.Option("--split", help="Only images of this split; may be given several times.")
]


class ImageMode(StrEnum):
    """What an export does with the pictures."""

    NONE = "none"
    COPY = "copy"
    LINK = "link"


def work(function: Callable[[JobContext], T], title: str) -> T:
    """Run a use-case with a progress bar on standard error; whatever libraries print goes there too."""
    from annotator.jobs.shell import run_in_shell

    with contextlib.redirect_stdout(sys.stderr):
        return run_in_shell(function, title)


def answer(result: Any, as_json: bool, show: Callable[[Console], None]) -> None:
    """Print ``result`` (a dataclass or mapping) as one JSON object, or let ``show`` tell it to a person."""
    if as_json:
        sys.stdout.write(json.dumps(plain(result)) + "\n")
    else:
        show(Console(highlight=False, soft_wrap=True, markup=False))


def plain(value: Any) -> Any:
    """``value`` as JSON's own types: dataclasses become objects, and numbers that JSON does not have become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "item"):
        return plain(value.item())
    return str(value)


def name_pair(text: str) -> tuple[str, str]:
    """NAME and LABEL of ``--map``; the name may hold "=" itself, a label's name may not."""
    name, sign, label = text.rpartition("=")
    if not sign or not name or not label:
        raise UsageError(f"--map {text!r} is not NAME=LABEL.", "For example: --map car=vehicle")
    return name, label


def table(*columns: str) -> Table:
    """An empty table; every column but the first is right-aligned."""
    result = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        result.add_column(column, justify="left" if index == 0 else "right")
    return result


def plural(count: int, noun: str) -> str:
    """ "1 picture", "3,067 pictures"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
