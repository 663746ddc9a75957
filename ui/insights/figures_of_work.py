"""The figures about what people do: how far they are, how long it takes them, what they label, and whether they agree."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ui.insights.figure import MOST_BARS, Figure, Table, brush, label_axes, legend, pen, short, tr

if TYPE_CHECKING:
    from annotator.usecases.insights import Insights, LabelBalance, Progress, TimePerImage
    from annotator.usecases.results import Agreement

UNITS = (
    (1 / 24, "days since the first answer"),
    (1, "hours since the first answer"),
    (60, "minutes since the first answer"),
    (3600, "seconds since the first answer"),
)


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


class AgreementFigure(Figure):
    """How far each two annotators agree beyond chance."""

    id = "agreement"
    data: tuple[Agreement, ...]

    @classmethod
    def read(cls, insights: Insights) -> AgreementFigure:
        """Ask the project."""
        return cls(insights.agreement())

    @property
    def title(self) -> str:
        return tr("Agreement between annotators")

    @property
    def pairs(self) -> list[tuple[str, float]]:
        """Those of whom something can be said, with Cohen's kappa."""
        return [(pair, kappa) for each in self.data for pair, kappa in each.kappa.items() if kappa is not None]

    @property
    def missing(self) -> str:
        if self.pairs:
            return ""
        return tr("Needs pictures that two people have tagged. Who finds a tag right says it again with its key.")

    @property
    def caption(self) -> str:
        shown = max((each for each in self.data if each.alpha is not None), key=_images, default=None)
        lowest, kappa = min(self.pairs, key=_kappa)
        text = tr("kappa of {0}: {1:.2f}").format(lowest, kappa)
        if shown is None or shown.alpha is None:
            return text
        both = tr("Krippendorff's alpha {0:.2f} on {1} pictures").format(shown.alpha, f"{shown.images:,}")
        return f"{both} · {text}"

    def draw(self, plot: Any) -> None:
        import pyqtgraph as pg

        shown = sorted(self.pairs, key=_kappa)[:MOST_BARS]
        y = np.arange(len(shown))
        plot.addItem(
            pg.BarGraphItem(x0=0, y=y, height=0.7, width=[kappa for _, kappa in shown], pen=None, brush=brush("accent"))
        )
        plot.addItem(pg.InfiniteLine(SUBSTANTIAL, pen=pen("muted", 1, dashed=True)))
        plot.setXRange(min(0.0, *(kappa for _, kappa in shown)), 1.0, padding=0.02)
        plot.setYRange(-1, max(1, len(shown)), padding=0)
        plot.getAxis("left").setTicks([[(float(at), short(pair, 28)) for at, (pair, _) in enumerate(shown)]])
        label_axes(plot, tr("Cohen's kappa"), "")

    def table(self) -> Table:
        header = ("group", "annotators", "pictures", "kappa", "alpha")
        rows = [
            (each.group, pair, each.shared.get(pair, each.images), kappa, each.alpha)
            for each in self.data
            for pair, kappa in each.kappa.items()
        ]
        return header, rows


SUBSTANTIAL = 0.6
"""From this kappa on agreement is called substantial (Landis and Koch 1977)."""


def spoken_hours(hours: float) -> str:
    """A duration in a few letters."""
    if hours < 1.5:
        return tr("{0} min").format(max(1, round(hours * 60)))
    return tr("{0} h").format(f"{hours:,.0f}")


def _annotations(each: LabelBalance) -> int:
    return each.annotations


def _images(each: Agreement) -> int:
    return each.images


def _kappa(pair: tuple[str, float]) -> float:
    return pair[1]
