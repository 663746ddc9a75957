"""The demo's preparation, shared by the window's button and the command: the same pictures, labels and places for both."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from annotator.errors import AnnotatorError
from annotator.job_context import QUIET, JobContext
from annotator.media.generate import DemoTruth, build_demo_folder
from annotator.project import Project

LABELS = (
    "cat", "coffee cup", "flower", "motorcycle", "temple", "person", "text", "gravel", "brick wall", "balloon", "clock",
    "sailboat",
)  # fmt: skip
"""Some the models know by name, and some they have to learn: a demo in which nothing is left to correct shows nothing."""
PICTURES = "pictures"
PROJECT = "demo.annotator"
PLAYED = "played.annotator"


@dataclass(frozen=True)
class Demo:
    """A prepared demo: its project ``folder``, closed, and what the pictures show."""

    folder: Path
    truth: DemoTruth


def default_place() -> Path:
    """Where the demo lies unless a folder is named."""
    return Path(platformdirs.user_data_dir("annotator", appauthor=False)) / "demo"


def prepare(place: Path, *, annotator: str | None = None, context: JobContext = QUIET) -> Demo:
    """The demo for a person: made under ``place`` when it is not there yet, else as it was left. The pictures are listed."""
    return _made(place, PROJECT, annotator, context)


def prepare_played(place: Path, *, annotator: str | None = None, context: JobContext = QUIET) -> Demo:
    """The demo for the simulated annotator: a project of its own beside the person's, always fresh.

    Raises ``StoreError`` when a window has the last one open.
    """
    folder = place / PLAYED
    if Project.is_project(folder):
        Project.open(folder).close()
        shutil.rmtree(folder)
    return _made(place, PLAYED, annotator, context)


def _made(place: Path, name: str, annotator: str | None, context: JobContext) -> Demo:
    try:
        truth = build_demo_folder(place / PICTURES, labels=LABELS)
    except OSError as error:
        raise AnnotatorError(
            f"The demo cannot be written to {place}: {error.strerror}.", "Name another folder with --out."
        ) from error
    folder = place / name
    if not Project.is_project(folder):
        Project.create(folder, truth.folder, truth.labels, annotator=annotator, context=context).close()
    return Demo(folder, truth)
