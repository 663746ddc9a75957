"""The project: opens the parts, puts them together and names the use-cases. The only door for the shell and the window.

    with Project.create("cells", images="photos/", labels=["cell", "debris"]) as project:
        project.suggest(task="tags")
        project.accept(task="tags", min_confidence=0.9)
        project.train(task="tags")
        project.export("tags.csv", format="csv", include_suggestions=True)

A verb is a function of ``annotator.usecases``, imported when it is first used, so that opening a project stays quick. All verbs
may be called from any thread; each reports to a ``JobContext`` and commits in batches, so that a cancelled or killed one keeps
what it had committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from annotator.domain.kinds import Split, Task
from annotator.events import ChangeSet
from annotator.job_context import QUIET, JobContext
from annotator.usecases.parts import Parts

if TYPE_CHECKING:
    from annotator.domain.geometry import Box
    from annotator.domain.records import Image
    from annotator.edits.changes import Edit
    from annotator.usecases.datasets import FoundDataset
    from annotator.usecases.export import ExportRequest
    from annotator.usecases.export_preview import ExportPreview
    from annotator.usecases.history import ProjectHistory
    from annotator.usecases.image_view import ImageView
    from annotator.usecases.import_preview import ImportPreview
    from annotator.usecases.label_view import LabelView
    from annotator.usecases.queue_view import QueueView
    from annotator.usecases.region_groups import RegionGroupView
    from annotator.usecases.results import (
        AcceptResult,
        AuditResult,
        DiffResult,
        ExportResult,
        ImportResult,
        IndexResult,
        RegionGroupsResult,
        ScanResult,
        SimulateResult,
        SplitResult,
        StatsResult,
        SuggestResult,
        TrainResult,
        VersionResult,
    )
    from annotator.usecases.review_view import ReviewView
    from annotator.usecases.settings_view import SettingsView
    from annotator.usecases.splitting import SplitPlan
    from annotator.usecases.versions import Changes

ImageMode = Literal["none", "copy", "link"]


class Project:
    """An open project. Close it, or use it in a ``with`` statement: closing writes what is still waiting in the lane."""

    def __init__(self, parts: Parts) -> None:
        from annotator.usecases.image_view import ImageView
        from annotator.usecases.label_view import LabelView
        from annotator.usecases.queue_view import QueueView
        from annotator.usecases.review_view import ReviewView
        from annotator.usecases.settings_view import SettingsView

        self._parts = parts
        self.settings: SettingsView = SettingsView(parts)
        self.labels: LabelView = LabelView(parts)
        self.queue: QueueView = QueueView(parts, live=True)
        self.review: ReviewView = ReviewView(parts, live=True, reason=self.queue.shown_reason)
        self.images: ImageView = ImageView(parts, self.review, live=True)

    @cached_property
    def history(self) -> ProjectHistory:
        """Everything that changes annotations, labels and verdicts goes through here, so that it can be undone."""
        from annotator.usecases.history import ProjectHistory

        return ProjectHistory(self._parts, self.review)

    # --- opening and closing -------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path | str,
        images: Path | str | None = None,
        labels: Iterable[str] = (),
        *,
        exclusive: bool = True,
        annotator: str | None = None,
        scan: bool = True,
        context: JobContext = QUIET,
    ) -> Project:
        """Make the project folder ``path``, register the folder ``images`` and the labels, and (``scan``) list its pictures.

        The labels are one group; with ``exclusive=False`` an image may have several of its tags.
        The window passes ``scan=False`` and runs ``scan`` as a job, so that the first picture shows before the scan ends.
        Raises ``StoreError`` when ``path`` already holds a project and ``AnnotatorError`` when ``images`` is not a folder.
        """
        from annotator.usecases import opening

        folder = None if images is None else Path(images)
        project = cls(opening.create(Path(path), folder, tuple(labels), annotator, exclusive=exclusive))
        if scan and images is not None:
            try:
                project.scan(context)
            except BaseException:
                project.close()
                raise
        return project

    @classmethod
    def open(
        cls, path: Path | str, *, annotator: str | None = None, lock: bool = True, read_only: bool = False
    ) -> Project:
        """Open the project in folder ``path`` (or beside the folder of images ``path``).

        ``lock=False`` is for the engine, which works for the process that holds the lock. Raises ``StoreError`` when there is no
        project, when another process has it (not with ``read_only``), or when the database is damaged or newer than this program.
        """
        from annotator.usecases import opening

        return cls(opening.open_parts(Path(path), annotator, lock=lock and not read_only, read_only=read_only))

    @classmethod
    def restore(
        cls,
        path: Path | str,
        archive: Path | str,
        images: Path | str | None = None,
        *,
        annotator: str | None = None,
        context: JobContext = QUIET,
    ) -> Project:
        """Make the project folder ``path`` from an archive: everything, with all verdicts and the edits that can be undone.

        ``images`` is the folder where its pictures are now, or a new one for those that the archive holds. Raises ``FormatError``
        when the file is no archive of a project and ``StoreError`` when ``path`` already holds one.
        """
        from annotator.usecases import archive as archives

        folder = None if images is None else Path(images)
        return cls(archives.restore(Path(path), Path(archive), folder, annotator, context))

    @staticmethod
    def folder_for(images: Path | str) -> Path:
        """Where the project of a folder of images belongs: NAME.annotator beside it, else in the user's data directory."""
        from annotator.usecases import opening

        return opening.folder_for(Path(images))

    @staticmethod
    def is_project(path: Path | str) -> bool:
        """Whether ``path`` is a project folder."""
        from annotator.usecases import opening

        return opening.is_project(Path(path))

    def close(self) -> None:
        """Write what is waiting, release the lock and the files. Calling it twice is harmless."""
        self._parts.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The project folder."""
        return self._parts.folder

    @property
    def name(self) -> str:
        """The folder's name without ``.annotator``."""
        return self._parts.folder.name.removesuffix(".annotator")

    @property
    def annotator(self) -> str:
        """Who is working: written into annotations, verdicts and edits."""
        return self._parts.annotator

    def work_as(self, annotator: str) -> None:
        """Another person works from now on: new edits carry that name, and undo is that person's own."""
        self._parts.annotator = annotator
        if "history" in self.__dict__:
            self.history.work_as(annotator)

    def subscribe(self, callback: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Call ``callback`` after every commit, on the thread that committed; returns the function that ends it."""
        return self._parts.db.subscribe(callback)

    def publish(self, changes: ChangeSet) -> None:
        """Tell the subscribers what another process committed (the engine's changes come this way)."""
        self._parts.db.publish(changes)

    # --- images --------------------------------------------------------------------------------------------------------

    def scan(self, context: JobContext = QUIET) -> ScanResult:
        """List new pictures of all folders, find moved ones by hash, mark missing ones, then probe and hash what is new.

        Streams: rows are committed in batches with a ChangeSet each, in natural order; sizes and hashes follow behind.
        """
        from annotator.usecases import scan

        return scan.scan(self._parts, context)

    def add_folder(self, folder: Path | str, context: JobContext = QUIET) -> ScanResult:
        """Add another folder of images to the project and scan it."""
        from annotator.usecases import scan

        scan.add_folder(self._parts, Path(folder))
        return scan.scan(self._parts, context)

    def remove_folder(self, root_id: int) -> int:
        """Stop showing the images of a folder; their annotations are kept and return with it. Returns how many images."""
        from annotator.usecases import scan

        return scan.remove_folder(self._parts, root_id)

    # --- datasets ------------------------------------------------------------------------------------------------------

    def detect_annotations(self, path: Path | str | None = None) -> tuple[FoundDataset, ...]:
        """Datasets that lie in ``path`` (default: the project's image folders), most certain first; reads no picture."""
        from annotator.usecases import datasets

        return datasets.detect(self._parts, None if path is None else Path(path))

    def import_dataset(
        self,
        path: Path | str,
        format: str | None = None,
        *,
        as_: Literal["annotations", "suggestions"] = "annotations",
        skip_bad: bool = False,
        labels: Mapping[str, str] | None = None,
        leave_annotated: bool = False,
        context: JobContext = QUIET,
    ) -> ImportResult:
        """Read annotations (or another model's suggestions) in one transaction; labels match by name, splits are taken over.

        ``labels`` gives labels of the dataset another name here, or none ("") to leave them out; with ``leave_annotated``
        pictures that have annotations stay as they are.
        Raises ``FormatError`` when the format cannot be told or read; then nothing has changed.
        """
        from annotator.usecases import datasets
        from annotator.usecases.intake import ImportRequest

        request = ImportRequest(Path(path), format, as_, skip_bad, labels or {}, leave_annotated)
        return datasets.import_dataset(self._parts, request, context)

    def preview_import(
        self, path: Path | str, format: str, *, skip_bad: bool = False, context: JobContext = QUIET
    ) -> ImportPreview:
        """What an import would find: counts by label and kind, pictures, what the project does not have. Changes nothing."""
        from annotator.usecases import import_preview

        return import_preview.preview(self._parts, Path(path), format, skip_bad, context)

    def export(
        self,
        path: Path | str,
        format: str,
        *,
        include_suggestions: bool = False,
        splits: Sequence[Split] = (),
        scope: Literal["done_or_annotated", "done", "all"] = "done_or_annotated",
        images: ImageMode = "none",
        merge: bool = False,
        replace: bool = False,
        verify: bool = False,
        version: str = "",
        only: Sequence[int] | None = None,
        flat: bool = False,
        context: JobContext = QUIET,
    ) -> ExportResult:
        """Write the corrected dataset; refuses an existing target unless ``merge`` or ``replace``.

        ``version`` is one of ``versions``, else the dataset is written as it is now; ``only`` these images are looked at.
        ``flat`` leaves behind which split an image is in.
        ``verify`` reads it back: ``verified`` of the result says what differs beyond what the report announces.
        """
        from annotator.usecases import export

        request = export.ExportRequest(
            Path(path),
            format,
            include_suggestions,
            tuple(splits),
            scope,
            images,
            merge,
            replace,
            verify,
            version,
            None if only is None else tuple(only),
            flat,
        )
        return export.export(self._parts, request, context)

    def preview_export(self, request: ExportRequest, *, context: JobContext = QUIET) -> ExportPreview:
        """The report that an export would give; nothing is written where it would go."""
        from annotator.usecases import export_preview

        return export_preview.preview(self._parts, request, context)

    # --- the loop ------------------------------------------------------------------------------------------------------

    def index(
        self, model: str | None = None, *, limit: int | None = None, device: str = "auto", context: JobContext = QUIET
    ) -> IndexResult:
        """Embed every readable image that has no vector yet under ``model`` (default: the project's)."""
        from annotator.usecases import index

        return index.index(self._parts, model, limit=limit, device=device, context=context)

    def suggest(
        self,
        task: Task | str = Task.TAGS,
        model: str | None = None,
        *,
        weights: Path | str | None = None,
        limit: int | None = None,
        device: str = "auto",
        names: Mapping[str, str] | None = None,
        class_agnostic: bool = False,
        context: JobContext = QUIET,
    ) -> SuggestResult:
        """Embed what is new, then suggest for everything that is open and rank the queue.

        A ``model`` (and its ``weights`` file) that is named is remembered: later rounds learn on its embeddings. For boxes it is
        a detector: ``names`` maps its names to labels (or "ignore"), ``class_agnostic`` names its boxes by what is in them.
        """
        from annotator.usecases import tasks

        file = None if weights is None else Path(weights)
        request = tasks.SuggestRequest(model, file, limit, device, names or {}, class_agnostic)
        return tasks.suggest(self._parts, Task(task), request, context)

    def group_regions(
        self, groups: int = 8, *, limit: int | None = None, context: JobContext = QUIET
    ) -> RegionGroupsResult:
        """Find the regions of all open pictures and group them by look, before anything is labelled."""
        from annotator.usecases import region_groups

        return region_groups.make_groups(self._parts, groups, limit=limit, context=context)

    def box_at(self, image_id: int, x: float, y: float, *, label_id: int | None = None) -> Box:
        """The box around what lies at (x, y) in pixels of the image; five or more drawn boxes (of the label) teach how wide."""
        from annotator.usecases import box_at

        return box_at.box_at(self._parts, image_id, x, y, label_id)

    def box_examples(self, label_id: int | None = None) -> tuple[tuple[Image, tuple[Box, ...]], ...]:
        """What ``box_at`` learns from: the boxes that were drawn last, by image."""
        from annotator.usecases import box_at

        return box_at.box_examples(self._parts, label_id)

    def region_groups(self) -> tuple[RegionGroupView, ...]:
        """The groups of regions that were made last, with the clearest regions of each; none before any were made."""
        from annotator.usecases import region_groups

        return region_groups.view_groups(self._parts)

    def name_regions(self, names: Mapping[str, str], *, context: JobContext = QUIET) -> SuggestResult:
        """Suggest masks for all regions of the named groups: ``names`` is group name → label name, or "" to take it back."""
        from annotator.usecases import region_groups

        return region_groups.name_groups(self._parts, names, context)

    def train(self, task: Task | str = Task.TAGS, *, device: str = "auto", context: JobContext = QUIET) -> TrainResult:
        """Fit a head to all verdicts, release it if it is not worse, suggest anew for what is open and re-rank the queue."""
        from annotator.usecases import tasks

        return tasks.train(self._parts, Task(task), device=device, context=context)

    def try_in_training(self, options: Sequence[str]) -> None:
        """From now on these compete with the usual head in every round of tags, and are used when held-out answers prefer them:
        "look-ahead" and "trim"; empty: none. Raises ``UsageError`` for another name."""
        from annotator.pseudolabel.rounds import Option
        from annotator.usecases.settings_view import TRAIN_OPTIONS

        self.settings.set(TRAIN_OPTIONS, [option.value for option in Option.named(tuple(options))])

    def accept(
        self,
        task: Task | str = Task.TAGS,
        *,
        min_confidence: float | None = None,
        max_error: float | None = None,
        audit: int = 300,
        oracle: Path | str | None = None,
        oracle_format: str | None = None,
        context: JobContext = QUIET,
    ) -> AcceptResult:
        """Accept open suggestions in one undoable edit: those at or above a confidence, or those that a certificate covers."""
        from annotator.usecases import accept

        request = accept.AcceptRequest(
            Task(task), min_confidence, max_error, audit, None if oracle is None else Path(oracle), oracle_format
        )
        return accept.accept(self._parts, self.history, request, context)

    def simulate(
        self,
        task: Task | str = Task.TAGS,
        *,
        truth: Path | str,
        truth_format: str | None = None,
        budgets: Sequence[int] = (10, 20, 50, 100, 200),
        strategy: str = "default",
        seeds: int = 3,
        effort: bool = False,
        certify: float | None = None,
        runs: int = 200,
        rounds: str = "doubling",
        context: JobContext = QUIET,
    ) -> SimulateResult:
        """Play the loop with a simulated annotator who knows ``truth``; works on a copy and hides the truth from the loop.

        Several names in ``strategy``, with commas between them, are compared. ``effort`` also counts what it takes to label the
        whole pool; ``certify`` tries ``runs`` certificates of that target error at 500 labels. ``rounds`` of boxes: "doubling" or
        "at-budgets".
        """
        from annotator.usecases import tasks

        when, stops = tasks.Rounds(rounds), tuple(budgets)
        request = tasks.SimulateRequest(
            Task(task), Path(truth), truth_format, stops, strategy, seeds, effort, certify, runs, when
        )
        return tasks.simulate(self._parts, request, context)

    def audit(
        self,
        parts: Sequence[str] = (),
        *,
        against: Sequence[Path | str] = (),
        model: str | None = None,
        device: str = "auto",
        context: JobContext = QUIET,
    ) -> AuditResult:
        """What looks wrong, ranked. Changes nothing; ``review.findings`` builds the edits that fix, keep or skip a finding.

        ``parts`` of labels, duplicates, missing, shapes, agreement; empty: all that the project has something for. ``against``:
        datasets that other annotators made of the same pictures; ``model``: a detector that looks at boxes and masks.
        """
        from annotator.usecases import audit

        request = audit.AuditRequest(tuple(parts), tuple(Path(each) for each in against), model, device)
        return audit.audit(self._parts, request, context)

    def split(
        self, fractions: Mapping[Split, float], *, seed: int = 0, anew: bool = False, context: JobContext = QUIET
    ) -> SplitResult:
        """Divide the images that have no split, or with ``anew`` all: stratified by label, a sequence never torn. One edit."""
        from annotator.usecases import splitting

        return splitting.split(self._parts, self.history, fractions, seed, anew, context)

    def plan_split(
        self, fractions: Mapping[Split, float], *, seed: int = 0, anew: bool = False, context: JobContext = QUIET
    ) -> SplitPlan:
        """How ``split`` would divide the images. Changes nothing."""
        from annotator.usecases import splitting

        return splitting.plan(self._parts, fractions, seed, anew, context)

    def split_edit(self, planned: SplitPlan, *, context: JobContext = QUIET) -> Edit:
        """The edit that carries out a plan; ``history`` performs it. Takes a while: not for the GUI thread."""
        from annotator.usecases import splitting

        return splitting.split_edit(self._parts, planned, context)

    def create_version(self, name: str, note: str = "", *, context: JobContext = QUIET) -> VersionResult:
        """Keep the dataset as it is now under ``name``: exported at any later time, it gives the same bytes."""
        from annotator.usecases import versions

        return versions.create(self._parts, name, note, context)

    def versions(self) -> tuple[VersionResult, ...]:
        """The named versions of the dataset, oldest first."""
        from annotator.usecases import versions

        return versions.versions(self._parts)

    def version_names(self) -> tuple[str, ...]:
        """Their names alone, by name: quick."""
        from annotator.usecases import versions

        return versions.names(self._parts)

    def diff_versions(self, before: str, after: str = "current", *, context: JobContext = QUIET) -> DiffResult:
        """What was added, removed and changed between two versions, or from one to now."""
        return self.version_changes(before, after, context=context).result()

    def version_changes(self, before: str, after: str = "current", *, context: JobContext = QUIET) -> Changes:
        """The same with the ids of the images that it is on."""
        from annotator.usecases import versions

        return versions.diff(self._parts, before, after, context)

    def stats(self) -> StatsResult:
        """The project in numbers."""
        from annotator.usecases import stats

        return stats.stats(self._parts)
