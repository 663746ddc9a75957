"""What a format cannot keep, before anything is written where the person wants it.

The format's own writer writes the dataset, without the pictures' pixels, into a temporary folder that is removed at once: its
report is the one that the export will give, for no writer can be wrong about itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from annotator.formats import registry
from annotator.formats.report import ReportRow
from annotator.formats.spec import Field, ImagesMode
from annotator.job_context import JobContext
from annotator.usecases.export import ExportRequest, export
from annotator.usecases.parts import Parts


@dataclass(frozen=True)
class ExportPreview:
    """What would be written; ``rows`` as in the report of an export. ``holds_splits``: whether it says who is in which."""

    images: int
    annotations: int
    rows: tuple[ReportRow, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    holds_splits: bool

    @property
    def lossy(self) -> tuple[ReportRow, ...]:
        """The rows that are not plainly kept."""
        return tuple(row for row in self.rows if row.outcome.value != "kept")


def preview(parts: Parts, request: ExportRequest, context: JobContext) -> ExportPreview:
    """Raises what the export would for want of anything to write; where it is to be written is not looked at."""
    spec = registry.spec(request.format)
    # Links stand for copies; a format of one file takes pictures in, and how that goes does not depend on them.
    images = "none" if spec.file_only or request.images == "none" else ImagesMode.LINK.value
    with TemporaryDirectory(prefix="annotator-preview-") as place:
        suffix = request.path.suffix if request.path.suffix in spec.suffixes else ""
        trial = replace(
            request,
            path=Path(place) / f"{request.path.stem or 'export'}{suffix}",
            images=images,
            merge=False,
            replace=False,
            verify=False,
        )
        # Nothing is written into the project either, not even the rows of suggestions that go along.
        result = export(replace(parts, read_only=True), trial, context)
    holds = Field.SPLIT in spec.fields
    return ExportPreview(result.images, result.annotations, result.rows, result.warnings, result.notes, holds)
