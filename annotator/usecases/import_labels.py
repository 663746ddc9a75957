"""The labels of a dataset that comes in: matched by name or as a person chose, made where the project has none of that name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from annotator.domain.names import is_storable
from annotator.domain.palette import label_color
from annotator.domain.records import Label
from annotator.errors import FormatError, UsageError
from annotator.formats.dataset import Dataset, DatasetLabel
from annotator.store.session import Writer
from annotator.usecases.settings_view import FOREIGN_LABEL_FIELDS, FOREIGN_LABELS, FOREIGN_PARENT

LEFT_OUT = ""
"""What a label of the dataset becomes that nobody wants."""


def take_labels(
    writer: Writer, dataset: Dataset, multiple: bool, chosen: Mapping[str, str]
) -> tuple[dict[str, Label], tuple[str, ...]]:
    """The project's labels by name, and the names of new ones. ``chosen``: names of the dataset to names of the project.

    ``multiple``: tags that occur together join a group that allows it. Raises ``UsageError`` for a choice about no label.
    """
    unknown = sorted(chosen.keys() - {each.name for each in dataset.labels})
    if unknown:
        raise UsageError(f"The dataset has no label {unknown[0]!r}.", "Name one that it has.")
    wanted = _renamed(dataset, chosen)
    known = {label.name: label for label in writer.labels.all()}
    groups = writer.labels.groups()
    group_id = groups[0].id if groups else writer.labels.add_group("labels")
    missing = list({each.name: each for each in reversed(wanted) if each.name not in known}.values())[::-1]
    for each in missing:
        if not is_storable(each.name):
            raise FormatError(f"The dataset has the label {each.name!a}, which is not text.", "Rename it there.")
    if multiple and missing:
        group_id = writer.labels.add_group("imported tags", exclusive=False)
    for each in missing:
        position = len(known)
        color = each.color or label_color(position)
        label = Label(0, each.name, color, position, synonyms=each.synonyms, group_id=group_id)
        label = replace(label, skeleton=each.skeleton, attributes_schema=dict(each.schema), definition=each.definition)
        known[each.name] = replace(label, id=writer.labels.add(label))
    for each in wanted:
        _complete(writer, known, each)
    for each in missing:
        if each.parent in known and each.parent != each.name:
            known[each.name] = replace(known[each.name], parent_id=known[each.parent].id)
            writer.labels.update([known[each.name]])
    _remember(writer, wanted, known)
    return known, tuple(each.name for each in missing)


def _complete(writer: Writer, known: dict[str, Label], each: DatasetLabel) -> None:
    """Give a label that is here what it lacks; what a person said of it stands."""
    label = known[each.name]
    better = replace(
        label,
        skeleton=label.skeleton or each.skeleton,
        attributes_schema={**each.schema, **label.attributes_schema},
        definition=label.definition or each.definition,
    )
    if better != label:
        writer.labels.update([better])
        known[each.name] = better


def _renamed(dataset: Dataset, chosen: Mapping[str, str]) -> list[DatasetLabel]:
    """The labels that come in, with the names that they get."""
    named = (
        replace(each, name=chosen.get(each.name, each.name), parent=chosen.get(each.parent, each.parent))
        for each in dataset.labels
    )
    return [each for each in named if each.name != LEFT_OUT]


def _remember(writer: Writer, labels: list[DatasetLabel], known: dict[str, Label]) -> None:
    """Keep the numbers and fields that the dataset gave its labels, for the way back."""
    numbers = dict(writer.settings.get(FOREIGN_LABELS, {}))
    fields = dict(writer.settings.get(FOREIGN_LABEL_FIELDS, {}))
    for each in labels:
        key = str(known[each.name].id)
        if each.foreign_id is not None:
            numbers[key] = each.foreign_id
        outside = {FOREIGN_PARENT: each.parent} if each.parent and each.parent not in known else {}
        if each.extra or outside:
            fields[key] = {**fields.get(key, {}), **each.extra, **outside}
    if numbers:
        writer.settings.set(FOREIGN_LABELS, numbers)
    if fields:
        writer.settings.set(FOREIGN_LABEL_FIELDS, fields)
