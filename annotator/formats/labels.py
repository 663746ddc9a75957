"""Label numbers on the way out: foreign ids stay where the format lets them, and every change of one is recorded."""

from __future__ import annotations

from annotator.errors import FormatError
from annotator.formats.dataset import Dataset
from annotator.formats.report import Tally


def check_names(dataset: Dataset) -> None:
    """Raise ``FormatError`` when two labels share a name: annotations name their label by it."""
    seen: set[str] = set()
    for label in dataset.labels:
        if label.name in seen:
            raise FormatError(f"Two labels are named {label.name!r}.", "Rename or merge them first.")
        seen.add(label.name)


def kept_ids(dataset: Dataset, tally: Tally, *, first: int) -> dict[str, int]:
    """Ids for a format that takes any: the foreign one where it is free, else the next free number from ``first``."""
    check_names(dataset)
    ids: dict[str, int] = {}
    taken: set[int] = set()
    for label in dataset.labels:
        if label.foreign_id is not None and label.foreign_id not in taken:
            ids[label.name] = label.foreign_id
            taken.add(label.foreign_id)
    following = first
    for label in dataset.labels:
        if label.name in ids:
            continue
        while following in taken:
            following += 1
        ids[label.name] = following
        taken.add(following)
        if label.foreign_id is not None:
            tally.converted(label.name, "label id", f"{label.foreign_id} was taken and became {following}", "")
    return {label.name: ids[label.name] for label in dataset.labels}


def positions(dataset: Dataset, tally: Tally, *, first: int = 0) -> dict[str, int]:
    """Ids for a format that counts labels in order, from ``first``."""
    check_names(dataset)
    for index, label in enumerate(dataset.labels, start=first):
        if label.foreign_id is not None and label.foreign_id != index:
            tally.converted(label.name, "label id", f"{label.foreign_id} became {index}, its place in the order", "")
    return {label.name: index for index, label in enumerate(dataset.labels, start=first)}


def unknown(label: str, image: str) -> FormatError:
    """The error for an annotation whose label the dataset does not list."""
    return FormatError(f"{image}: the label {label!r} is not among the dataset's labels.", "Add it to the labels.")


def report_unused(dataset: Dataset, used: set[str], tally: Tally) -> None:
    """For formats without a list of labels: what no image has is lost, and so is the order."""
    for label in dataset.labels:
        if label.name not in used:
            tally.dropped(label.name, "label", "no image has it, and the format keeps no list of labels", "")
        elif label.foreign_id is not None:
            tally.dropped(label.name, "label id", "the format has none", "")
    if len(used) > 1:
        tally.unkept("the format keeps no order of labels")
