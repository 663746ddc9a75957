"""Canvas, chips: the small labels beside shapes. They never overlap nor leave the image; one without room is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from annotator.domain.geometry import Keypoints
from annotator.domain.kinds import Source
from annotator.domain.records import Annotation, Label, Suggestion
from ui.canvas.colors import RGB, CanvasColors, text_on
from ui.canvas.scene import Record

MOST_CHIPS = 50
MAX_TEXT = 28
PAD_X, PAD_Y, OFFSET = 5.0, 1.5, 3.0
RADIUS = 4.0


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip that wants a place beside screen rectangle ``anchor``."""

    text: str
    color: RGB
    anchor: QRectF
    hollow: bool = False
    peak: QPointF | None = None


def chip_text(record: Record, labels: Mapping[int, Label], pseudo: bool) -> str:
    """What a chip says: the label, a suggestion's confidence, ✓ for certified, ◇ for pseudo-labels."""
    label = labels.get(record.label_id)
    name = label.name if label else "?"
    if len(name) > MAX_TEXT:
        name = name[: MAX_TEXT - 1] + "…"
    if isinstance(record, Suggestion):
        return f"{'◇ ' if pseudo else ''}{name} {min(round(record.confidence * 100), 100)}%"
    if record.source is Source.CERTIFIED:
        return f"✓ {name}"
    if isinstance(record.geometry, Keypoints):
        named = sum(1 for *_, seen in record.geometry.points if seen)
        return f"{name} {named}/{len(record.geometry.points)}"
    return name


def chip_font(base: QFont, unit: float) -> QFont:
    """The caption font in device pixels."""
    font = QFont(base)
    font.setPixelSize(max(round(11 * unit), 1))
    font.setWeight(QFont.Weight.Medium)
    return font


def place(chips: Iterable[Chip], room: QRectF, metrics: QFontMetricsF, unit: float) -> list[tuple[Chip, QRectF]]:
    """Rectangles for as many chips as fit inside ``room``, the earlier ones first."""
    placed: list[tuple[Chip, QRectF]] = []
    taken: list[tuple[float, float, float, float]] = []
    left, top, right, bottom = room.left(), room.top(), room.right(), room.bottom()
    height = metrics.height() + 2 * PAD_Y * unit
    for chip in chips:
        width = metrics.horizontalAdvance(chip.text) + 2 * PAD_X * unit
        if width > right - left:
            continue
        for x, y in _places(chip, width, height, unit):
            x = min(max(x, left), right - width)  # pushed sideways into the room, but never up or down
            if y < top or y + height > bottom or _meets(taken, x, y, x + width, y + height):
                continue
            taken.append((x, y, x + width, y + height))
            placed.append((chip, QRectF(x, y, width, height)))
            break
    return placed


def _meets(taken: list[tuple[float, float, float, float]], x1: float, y1: float, x2: float, y2: float) -> bool:
    return any(x1 < right and left < x2 and y1 < bottom and top < y2 for left, top, right, bottom in taken)


def _places(chip: Chip, width: float, height: float, unit: float) -> Iterable[tuple[float, float]]:
    """Over the peak if there is one; above the top-left corner, inside it, below, and the same on the right."""
    gap = OFFSET * unit
    if chip.peak is not None:
        peak_x, peak_y = chip.peak.x(), chip.peak.y()
        yield peak_x - width / 2, peak_y - height - 2 * gap
        yield peak_x + 3 * gap, peak_y - height / 2
    anchor = chip.anchor
    left, top, right, bottom = anchor.left(), anchor.top(), anchor.right(), anchor.bottom()
    for x in (left - unit, right - width + unit):
        yield x, top - height - gap
        yield x + (gap + unit if x < (left + right) / 2 else -gap - unit), top + gap + unit
        yield x, bottom + gap


def draw(painter: QPainter, placed: list[tuple[Chip, QRectF]], colors: CanvasColors, unit: float) -> None:
    """Filled chips for annotations; for suggestions a dark chip rimmed in the label's colour, so that the voices differ."""
    for chip, rect in placed:
        painter.setPen(Qt.PenStyle.NoPen)
        if chip.hollow:
            painter.setBrush(QColor(colors.panel))
            painter.setPen(QPen(QColor(*chip.color), 1.5 * unit, Qt.PenStyle.DashLine))
            text = colors.text
        else:
            painter.setBrush(QColor(*chip.color))
            text = text_on(chip.color, colors.chip_dark, colors.chip_light)
        painter.drawRoundedRect(rect, RADIUS * unit, RADIUS * unit)
        painter.setPen(QColor(text))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, chip.text)


def note(painter: QPainter, at: QPointF, text: str, room: QRectF, colors: CanvasColors, unit: float) -> None:
    """A small panel of text beside the cursor, turned to the other side where there is no room."""
    metrics = QFontMetricsF(painter.font())
    width = metrics.horizontalAdvance(text) + 2 * PAD_X * unit
    height = metrics.height() + 2 * PAD_Y * unit
    gap = 14 * unit
    x = at.x() + gap if at.x() + gap + width <= room.right() else at.x() - gap - width
    y = at.y() + gap if at.y() + gap + height <= room.bottom() else at.y() - gap - height
    rect = QRectF(x, y, width, height)
    painter.setPen(QPen(QColor(colors.border), unit))
    painter.setBrush(QColor(colors.panel))
    painter.drawRoundedRect(rect, RADIUS * unit, RADIUS * unit)
    painter.setPen(QColor(colors.text))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def order(records: Iterable[Annotation | Suggestion], first: frozenset[object]) -> list[Annotation | Suggestion]:
    """Records in the order in which they get room: those asked for, then suggestions by confidence, then annotations."""

    def rank(record: Annotation | Suggestion) -> tuple[int, float]:
        if record.id in first:
            return 0, 0.0
        return (1, -record.confidence) if isinstance(record, Suggestion) else (2, 0.0)

    return sorted(records, key=rank)
