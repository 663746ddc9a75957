"""Which images a list shows, and in which order: the conditions behind ``images.ids``."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from annotator.domain.records import ImageFilter
from annotator.store.tables import AnnotationRow, ImageRow, SuggestionRow
from annotator.store.tallies import ANNOTATOR, ATTRIBUTE, attribute_key, with_tally
from annotator.store.visibility import OPEN_BY_INDEX, annotation_visible


class ImageOrder(StrEnum):
    """The order of a list of images."""

    ADDED = "added"
    NAME = "name"


def search_text(text: str) -> str:
    """What a search compares: composed and without case."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).casefold()


def conditions(chosen: ImageFilter) -> list[ColumnElement[bool]]:
    """What an image must fulfil to pass ``chosen``."""
    id_, lacked = ImageRow.id, lacking(chosen)
    found = own_conditions(chosen) + [id_.in_(query) for query in carriers(chosen)]
    return found if lacked is None else [*found, id_.not_in(lacked)]


def own_conditions(chosen: ImageFilter) -> list[ColumnElement[bool]]:
    """What an image's own row must fulfil to pass ``chosen``."""
    image = ImageRow
    found: list[ColumnElement[bool]] = []
    for word in search_text(chosen.text).split():
        found.append(image.search.contains(word, autoescape=True))
    if chosen.states:
        found.append(image.state.in_(sorted(s.value for s in chosen.states)))
    if chosen.splits:
        found.append(image.split.in_(sorted(s.value for s in chosen.splits)))
    if chosen.flagged is not None:
        found.append(image.flagged.is_(chosen.flagged))
    if chosen.roots:
        found.append(image.root_id.in_(sorted(chosen.roots)))
    if chosen.suggested is not None:
        found.append(image.suggestions > 0 if chosen.suggested else image.suggestions == 0)
    return found


def carriers(chosen: ImageFilter) -> list[Select[Any]]:
    """The ids of the images that carry what ``chosen`` asks for, one query for each thing, read in the order of an index.

    An id may come several times.
    """
    found: list[Select[Any]] = []
    if chosen.annotated:
        found.append(with_tally(ANNOTATOR))
    if chosen.annotator:
        found.append(with_tally(ANNOTATOR, chosen.annotator))
    if chosen.attribute is not None:
        found.append(with_tally(ATTRIBUTE, attribute_key(*chosen.attribute)))
    if chosen.label_ids and chosen.suggested:
        found.append(_suggested(SuggestionRow.label_id.in_(sorted(chosen.label_ids))))
    elif chosen.label_ids:
        labels = AnnotationRow.label_id.in_(sorted(chosen.label_ids))
        found.append(select(AnnotationRow.image_id).where(labels, annotation_visible()))
    if chosen.min_confidence is not None or chosen.max_confidence is not None:
        least = 0.0 if chosen.min_confidence is None else chosen.min_confidence
        most = 1.0 if chosen.max_confidence is None else chosen.max_confidence
        found.append(_suggested(SuggestionRow.confidence.between(least, most)))
    return found


def lacking(chosen: ImageFilter) -> Select[Any] | None:
    """The ids of the images that do not pass ``chosen`` because of what they carry."""
    return with_tally(ANNOTATOR) if chosen.annotated is False else None


def _suggested(condition: ColumnElement[bool]) -> Select[Any]:
    return select(SuggestionRow.image_id).where(OPEN_BY_INDEX, condition)


def ordered(query: Select[Any], order: ImageOrder) -> Select[Any]:
    """``query`` over images in ``order``."""
    match order:
        case ImageOrder.ADDED:
            return query.order_by(ImageRow.id)
        case ImageOrder.NAME:
            return query.order_by(ImageRow.search, ImageRow.id)
