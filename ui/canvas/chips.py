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


def shows_without_hover(record: Record, count: int) -> bool:
    """With more than 50 objects only hovered and selected ones show their chip."""
    return count <= MOST_CHIPS


def chip_font(base: QFont, unit: float) -> QFont:
    """The caption font in device pixels."""
    font = QFont(base)
    font.setPixelSize(max(round(11 * unit), 1))
    font.setWeight(QFont.Weight.Medium)
    return font


def place(chips: Iterable[Chip], room: QRectF, metrics: QFontMetricsF, unit: float) -> list[tuple[Chip, QRectF]]:
    """Rectangles for as many chips as fit inside ``room``, the earlier ones first."""
    placed: list[tuple[Chip, QRectF]] = []
    for chip in chips:
        width = metrics.horizontalAdvance(chip.text) + 2 * PAD_X * unit
        height = metrics.height() + 2 * PAD_Y * unit
        for x, y in _places(chip, width, height, unit):
            rect = _into(QRectF(x, y, width, height), room)
            if rect is not None and not any(rect.intersects(other) for _, other in placed):
                placed.append((chip, rect))
                break
    return placed


def _places(chip: Chip, width: float, height: float, unit: float) -> Iterable[tuple[float, float]]:
    """Over the peak if there is one; above the top-left corner, inside it, below, and the same on the right."""
    gap, anchor = OFFSET * unit, chip.anchor
    if chip.peak is not None:
        yield chip.peak.x() - width / 2, chip.peak.y() - height - 2 * gap
        yield chip.peak.x() + 3 * gap, chip.peak.y() - height / 2
    for x in (anchor.left() - unit, anchor.right() - width + unit):
        yield x, anchor.top() - height - gap
        yield x + (gap + unit if x < anchor.center().x() else -gap - unit), anchor.top() + gap + unit
        yield x, anchor.bottom() + gap


def _into(rect: QRectF, room: QRectF) -> QRectF | None:
    """The rectangle pushed sideways into the room; None if it does not fit, or would have to move up or down."""
    if rect.width() > room.width() or rect.top() < room.top() or rect.bottom() > room.bottom():
        return None
    rect.moveLeft(min(max(rect.left(), room.left()), room.right() - rect.width()))
    return rect


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
