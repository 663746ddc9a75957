"""The figures about what the machine does: how it learns, whether its confidences can be believed, and how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ui.insights.figure import MOST_BARS, Figure, Table, brush, label_axes, legend, pen, tr

if TYPE_CHECKING:
    from annotator.usecases.insights import CalibrationView, Insights, ModelAcceptance, RoundPoint


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
        plot.setXRange(0.0, 1.05 * float(x.max()), padding=0)
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


def _verdicts(view: CalibrationView) -> int:
    return int(view.raw.count.sum())
