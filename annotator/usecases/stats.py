"""The project in numbers, from the counters that every transaction keeps."""

from __future__ import annotations

from annotator.domain import uris
from annotator.domain.geometry import GeometryKind
from annotator.domain.kinds import ImageState, Source
from annotator.store.counters import IMAGE_SPLIT, IMAGE_STATE
from annotator.usecases import certificates, review_view
from annotator.usecases.parts import Parts
from annotator.usecases.results import LabelStats, Problem, StatsResult


def stats(parts: Parts) -> StatsResult:
    """Count everything that `annotator stats` prints."""
    suggested = review_view.ReviewView(parts).open_counts()
    with parts.db.read() as reader:
        states = reader.counters.of(IMAGE_STATE)
        splits = reader.counters.of(IMAGE_SPLIT)
        counts = reader.labels.counts()
        labels = tuple(
            LabelStats(label.name, counts.get(label.id, (0, 0))[0], suggested.get(label.id, 0))
            for label in reader.labels.all()
        )
        sources: dict[str, int] = {}
        for kind in GeometryKind:
            for _, _, source in reader.annotations.labels_of_kind(kind.value):
                sources[source] = sources.get(source, 0) + 1
        verdicts = {decision.value: count for decision, count in reader.verdicts.counts().items()}
        return StatsResult(
            path=str(parts.folder),
            images=reader.images.count(),
            states={state.value: states.get(state.value, 0) for state in ImageState},
            splits={name: count for name, count in sorted(splits.items()) if name},
            annotations=sum(sources.values()),
            labels=labels,
            sources={source.value: sources.get(source.value, 0) for source in Source},
            verdicts=verdicts,
            runs=len(reader.runs.all()),
            heads=len(reader.runs.heads()),
            problems=tuple(Problem(i.id, uris.printable(i.uri), i.reason) for i in reader.images.problems()),
            certificates=certificates.signed(reader),
        )
