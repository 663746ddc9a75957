"""What the Insights screen shows: for each figure its data, the words when there is none, its plot and its table.

pyqtgraph is imported by the screen before the first plot is drawn, in a thread; nothing here imports it at the top.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor

from ui.theme import theme

if TYPE_CHECKING:
    from annotator.usecases.insights import (
        CalibrationView,
        Insights,
        LabelBalance,
        ModelAcceptance,
        Progress,
        RoundPoint,
        TimePerImage,
    )

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def tr(text: str) -> str:
    """The text in the language of the window."""
    return QCoreApplication.translate("Insights", text)


def pen(token: str, width: float = 2.0, *, dashed: bool = False) -> Any:
    """A pen in a colour of the theme."""
    import pyqtgraph as pg

    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    return pg.mkPen(QColor(getattr(theme().tokens, token)), width=width, style=style)


def brush(token: str, alpha: int = 255) -> Any:
    """A brush in a colour of the theme."""
    import pyqtgraph as pg

    color = QColor(getattr(theme().tokens, token))
    color.setAlpha(alpha)
    return pg.mkBrush(color)


@dataclass(frozen=True)
class Figure(ABC):
    """One card. ``read`` runs in a thread; ``caption`` and ``draw`` are only asked when nothing is ``missing``."""

    id: ClassVar[str] = ""
    data: Any

    @property
    @abstractmethod
    def title(self) -> str:
        """What the card is called."""

    @property
    @abstractmethod
    def missing(self) -> str:
        """What is needed before there is something to see; nothing when there is."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """The figure in one line."""

    @abstractmethod
    def draw(self, plot: Any) -> None:
        """Draw into an empty ``pyqtgraph.PlotItem``."""

    @abstractmethod
    def table(self) -> Table:
        """Header and rows of the CSV file."""


class ProgressFigure(Figure):
    """Answers over time, and when the rest will be done at this pace."""

    id = "progress"
    data: Progress

    @classmethod
    def read(cls, insights: Insights) -> ProgressFigure:
        """Ask the project."""
        return cls(insights.progress())

    @property
    def title(self) -> str:
        return tr("Progress")

    @property
    def missing(self) -> str:
        return "" if self.data.moments else tr("The curve starts with your first answer on the Annotate screen.")

    @property
    def caption(self) -> str:
        d = self.data
        parts = [tr("{0} of {1} images done").format(f"{d.done:,}", f"{d.total:,}")]
        if d.per_hour is not None and d.hours_left is not None:
            parts.append(tr("{0} an hour").format(f"{d.per_hour:,.0f}"))
            parts.append(tr("about {0} left at this pace").format(spoken_hours(d.hours_left)))
        return " · ".join(parts)

    def draw(self, plot: Any) -> None:
        d = self.data
        start = datetime.fromisoformat(d.moments[0]).timestamp()
        hours = [(datetime.fromisoformat(each).timestamp() - start) / 3600 for each in d.moments]
        end = hours[-1] + (d.hours_left or 0.0)
        unit, words = next(each for each in UNITS if end * each[0] >= 2 or each[0] == 3600)
        hours = [each * unit for each in hours]
        plot.plot(hours, list(d.counts), pen=pen("accent"), fillLevel=0, brush=brush("accent", 36))
        if d.hours_left is not None and d.done < d.total:
            ends = [hours[-1], hours[-1] + d.hours_left * unit], [d.counts[-1], d.counts[-1] + d.total - d.done]
            plot.plot(*ends, pen=pen("muted", 1.5, dashed=True))
        label_axes(plot, tr(words), tr("answers"))

    def table(self) -> Table:
        return ("moment", "answers"), list(zip(self.data.moments, self.data.counts, strict=True))


class RoundsFigure(Figure):
    """The learning curve: held-out accuracy by round, rolled-back rounds crossed out."""

    id = "rounds"
    data: tuple[RoundPoint, ...]

    @classmethod
    def read(cls, insights: Insights) -> RoundsFigure:
        """Ask the project."""
        return cls(insights.rounds())

    @property
    def title(self) -> str:
        return tr("Learning curve")

    @property
    def missing(self) -> str:
        if any(each.accuracy is not None for each in self.data):
            return ""
        return tr("A round is tested from 20 answers on. Tag pictures, or press Ctrl+T to learn now.")

    @property
    def caption(self) -> str:
        last = next(each for each in reversed(self.data) if each.accuracy is not None)
        back = sum(not each.released for each in self.data)
        text = tr("round {0}: {1:.1%} of held-out answers right, from {2} labels").format(
            last.round, last.accuracy, f"{last.labels:,}"
        )
        return text + (" · " + tr("{0} rolled back").format(back) if back else "")

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        known = [each for each in self.data if each.accuracy is not None]
        x = np.asarray([each.labels for each in known], float)
        y = 100 * np.asarray([each.accuracy for each in known], float)
        spread = 100 * np.asarray([each.standard_error or 0.0 for each in known])
        plot.addItem(pg.ErrorBarItem(x=x, y=y, height=2 * spread, beam=0, pen=pen("control_border", 1)))
        kept = np.asarray([each.released for each in known], dtype=bool)
        plot.plot(x[kept], y[kept], pen=pen("accent"), symbol="o", symbolSize=8, symbolPen=None,
                  symbolBrush=brush("accent"))  # fmt: skip
        if not kept.all():
            plot.plot(x[~kept], y[~kept], pen=None, symbol="x", symbolSize=11, symbolPen=pen("bad", 1),
                      symbolBrush=brush("bad"))  # fmt: skip
        plot.setYRange(max(0.0, float((y - spread).min()) - 5), min(100.0, float((y + spread).max()) + 5))
        label_axes(plot, tr("labels"), tr("% right"))

    def table(self) -> Table:
        header = (
            "round", "labels", "accuracy", "standard_error", "previous", "basis", "recipe", "released", "version", "created_at",
        )  # fmt: skip
        return header, [tuple(getattr(each, name) for name in header) for each in self.data]


class CalibrationFigure(Figure):
    """The reliability diagram of each label group, before and after calibration."""

    id = "calibration"
    data: tuple[CalibrationView, ...]

    @classmethod
    def read(cls, insights: Insights) -> CalibrationFigure:
        """Ask the project."""
        return cls(insights.calibration())

    @property
    def title(self) -> str:
        return tr("Calibration: does 80% mean 80%?")

    @property
    def shown(self) -> CalibrationView | None:
        """The group with the most verdicts."""
        return max(self.data, key=_verdicts, default=None)

    @property
    def missing(self) -> str:
        view = self.shown
        if view is not None and view.raw.count.sum():
            return ""
        return tr(
            "Needs verdicts on suggestions that nobody chose: the audit samples of certificates and those drawn at random."
        )

    @property
    def caption(self) -> str:
        view = self.shown
        assert view is not None
        verdicts = tr("{0} verdicts drawn at random").format(f"{int(view.raw.count.sum()):,}")
        if view.uncalibrated:
            left = tr("calibrated from {0} on").format(view.needed)
            return tr("ECE {0:.3f} raw · {1} · {2}").format(view.ece_raw, verdicts, left)
        return tr("ECE {0:.3f}, raw {1:.3f} · {2}").format(view.ece, view.ece_raw, verdicts)

    def draw(self, plot: Any) -> None:
        view = self.shown
        assert view is not None
        plot.plot([0, 1], [0, 1], pen=pen("muted", 1, dashed=True))
        legend(plot)
        lines = [(view.raw, "control_border", tr("raw"))]
        if not view.uncalibrated:
            lines.append((view.calibrated, "accent", tr("calibrated")))
        for line, token, name in lines:
            filled = line.count > 0
            size = 6 + 10 * np.sqrt(line.count[filled] / max(1, line.count.max()))
            plot.plot(line.confidence[filled], line.correct[filled], pen=pen(token), symbol="o", symbolSize=size,
                      symbolPen=None, symbolBrush=brush(token), name=name)  # fmt: skip
        plot.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.03)
        label_axes(plot, tr("confidence"), tr("share right"))

    def table(self) -> Table:
        rows = [
            (view.group, name, low / 10, (low + 1) / 10, line.confidence[low], line.correct[low], int(line.count[low]))
            for view in self.data
            for name, line in (("raw", view.raw), ("calibrated", view.calibrated))
            for low in range(len(line.count))
        ]
        return ("group", "numbers", "from", "to", "confidence", "share_right", "verdicts"), rows


class BalanceFigure(Figure):
    """How often each label occurs."""

    id = "balance"
    data: tuple[LabelBalance, ...]

    @classmethod
    def read(cls, insights: Insights) -> BalanceFigure:
        """Ask the project."""
        return cls(insights.balance())

    @property
    def title(self) -> str:
        return tr("Class balance")

    @property
    def missing(self) -> str:
        return "" if any(each.annotations for each in self.data) else tr("Counts appear with your first annotation.")

    @property
    def caption(self) -> str:
        most = max(self.data, key=_annotations)
        least = min(self.data, key=_annotations)
        text = tr("most: {0} ({1}) · fewest: {2} ({3})")
        return text.format(most.name, f"{most.annotations:,}", least.name, f"{least.annotations:,}")

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        shown = sorted(self.data, key=_annotations)[-MOST_BARS:]
        y = np.arange(len(shown))
        counts = [each.annotations for each in shown]
        more = [each.suggestions for each in shown]
        legend(plot, low=True)
        bars = [(0, counts, "accent", 255, tr("annotations")), (counts, more, "accent", 70, tr("open suggestions"))]
        for start, width, token, alpha, name in bars:
            item = pg.BarGraphItem(
                x0=start, y=y, height=0.7, width=width, pen=None, brush=brush(token, alpha), name=name
            )
            plot.addItem(item)
        plot.getAxis("left").setTicks([[(float(at), short(each.name)) for at, each in enumerate(shown)]])
        label_axes(plot, tr("number"), "")

    def table(self) -> Table:
        return ("label", "annotations", "open_suggestions"), [
            (each.name, each.annotations, each.suggestions) for each in self.data
        ]


class TimeFigure(Figure):
    """How long verdicts take."""

    id = "time"
    data: TimePerImage

    @classmethod
    def read(cls, insights: Insights) -> TimeFigure:
        """Ask the project."""
        return cls(insights.time_per_image())

    @property
    def title(self) -> str:
        return tr("Time per verdict")

    @property
    def missing(self) -> str:
        return "" if self.data.verdicts else tr("Measured from the first verdict on the Annotate screen.")

    @property
    def caption(self) -> str:
        verdicts = tr("{0} verdicts").format(f"{self.data.verdicts:,}")
        return tr("median {0:.1f} s").format(self.data.median or 0.0) + f" · {verdicts}"

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        edges, counts = np.asarray(self.data.edges), np.asarray(self.data.counts)
        last = int(np.flatnonzero(counts)[-1]) + 1
        width = edges[1] - edges[0]
        bars = pg.BarGraphItem(
            x0=edges[:last], width=width * 0.94, height=counts[:last], pen=None, brush=brush("accent")
        )
        plot.addItem(bars)
        if self.data.median is not None:
            plot.addItem(pg.InfiniteLine(self.data.median, pen=pen("warn", 1.5, dashed=True)))
        plot.setXRange(0, float(edges[last]), padding=0.02)
        label_axes(plot, tr("seconds"), tr("verdicts"))

    def table(self) -> Table:
        edges = self.data.edges
        return ("from_s", "to_s", "verdicts"), list(zip(edges[:-1], edges[1:], self.data.counts, strict=True))


class AcceptanceFigure(Figure):
    """How verdicts fell on each version of a model."""

    id = "acceptance"
    data: tuple[ModelAcceptance, ...]

    @classmethod
    def read(cls, insights: Insights) -> AcceptanceFigure:
        """Ask the project."""
        return cls(insights.acceptance())

    @property
    def title(self) -> str:
        return tr("Acceptance by model version")

    @property
    def missing(self) -> str:
        return "" if self.data else tr("Appears with your first verdict on a suggestion.")

    @property
    def caption(self) -> str:
        last = self.data[-1]
        return tr("last version: {0:.0%} accepted as suggested").format(last.share)

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        shown = self.data[-MOST_BARS:]
        x = np.arange(len(shown))
        base = np.zeros(len(shown))
        legend(plot)
        for name, token, values in (
            (tr("accepted"), "good", [each.accepted for each in shown]),
            (tr("corrected"), "warn", [each.corrected for each in shown]),
            (tr("rejected"), "bad", [each.rejected for each in shown]),
        ):
            heights = np.asarray(values, float)
            plot.addItem(
                pg.BarGraphItem(x=x, y0=base, height=heights, width=0.6, pen=None, brush=brush(token), name=name)
            )
            base = base + heights
        plot.setYRange(0, float(base.max()) * 1.3)  # room for the legend
        plot.getAxis("bottom").setTicks([[(float(at), self._name(each)) for at, each in enumerate(shown)]])
        label_axes(plot, "", tr("verdicts"))

    @staticmethod
    def _name(each: ModelAcceptance) -> str:
        return tr("run {0}").format(each.first_run) + f"\n{each.task} {each.share:.0%}"

    def table(self) -> Table:
        header = ("model", "version", "task", "accepted", "corrected", "rejected", "first_run")
        return header, [tuple(getattr(each, name) for name in header) for each in self.data]


MOST_BARS = 16
UNITS = (
    (1 / 24, "days since the first answer"),
    (1, "hours since the first answer"),
    (60, "minutes since the first answer"),
    (3600, "seconds since the first answer"),
)
LONGEST_NAME = 18


def label_axes(plot: Any, bottom: str, left: str) -> None:
    """Words at the axes; an axis without words keeps its ticks."""
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)


def legend(plot: Any, *, low: bool = False) -> None:
    """A legend in the colours of the theme, at the right; items that are added later with a name appear in it."""
    plot.addLegend(
        offset=(-8, -8 if low else 8), labelTextColor=QColor(theme().tokens.text), brush=brush("panel", 210), pen=None
    )


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """A name that fits at an axis."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def spoken_hours(hours: float) -> str:
    """A duration in a few letters."""
    if hours < 1.5:
        return tr("{0} min").format(max(1, round(hours * 60)))
    return tr("{0} h").format(f"{hours:,.0f}")


def _annotations(each: LabelBalance) -> int:
    return each.annotations


def _verdicts(view: CalibrationView) -> int:
    return int(view.raw.count.sum())
