"""The jobs by name: what the engine and the shell can run over a project.

A job's parameters are plain JSON values, because they travel over a pipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from annotator.domain.kinds import Split
from annotator.errors import UsageError
from annotator.job_context import JobContext
from annotator.project import Project
from annotator.usecases.results import (
    AcceptResult,
    AuditResult,
    ExportResult,
    ImportResult,
    IndexResult,
    PullResult,
    RegionGroupsResult,
    ScanResult,
    SimulateResult,
    SuggestResult,
    TrainResult,
)


@dataclass(frozen=True)
class Job:
    """``function(project, context, **parameters)`` returns a ``result``; ``title`` is what the jobs bar says while it runs."""

    name: str
    title: str
    function: Callable[..., Any]
    result: type[Any]


def _scan(project: Project, context: JobContext) -> ScanResult:
    return project.scan(context)


def _add_folder(project: Project, context: JobContext, *, folder: str) -> ScanResult:
    return project.add_folder(folder, context)


def _index(
    project: Project, context: JobContext, *, model: str | None = None, limit: int | None = None, device: str = "auto"
) -> IndexResult:
    return project.index(model, limit=limit, device=device, context=context)


def _suggest(
    project: Project,
    context: JobContext,
    *,
    task: str = "tags",
    model: str | None = None,
    weights: str | None = None,
    limit: int | None = None,
    device: str = "auto",
    names: Mapping[str, str] | None = None,
    class_agnostic: bool = False,
) -> SuggestResult:
    return project.suggest(
        task,
        model,
        weights=weights,
        limit=limit,
        device=device,
        names=names,
        class_agnostic=class_agnostic,
        context=context,
    )


def _group_regions(
    project: Project, context: JobContext, *, groups: int = 8, limit: int | None = None
) -> RegionGroupsResult:
    return project.group_regions(groups, limit=limit, context=context)


def _name_regions(project: Project, context: JobContext, *, names: Mapping[str, str]) -> SuggestResult:
    return project.name_regions(names, context=context)


def _train(project: Project, context: JobContext, *, task: str = "tags", device: str = "auto") -> TrainResult:
    return project.train(task, device=device, context=context)


def _accept(
    project: Project,
    context: JobContext,
    *,
    task: str = "tags",
    min_confidence: float | None = None,
    max_error: float | None = None,
    audit: int = 300,
    oracle: str | None = None,
    oracle_format: str | None = None,
) -> AcceptResult:
    return project.accept(
        task,
        min_confidence=min_confidence,
        max_error=max_error,
        audit=audit,
        oracle=oracle,
        oracle_format=oracle_format,
        context=context,
    )


def _import(
    project: Project,
    context: JobContext,
    *,
    path: str,
    format: str | None = None,
    as_: Literal["annotations", "suggestions"] = "annotations",
    skip_bad: bool = False,
    labels: Mapping[str, str] | None = None,
    leave_annotated: bool = False,
) -> ImportResult:
    return project.import_dataset(
        path, format, as_=as_, skip_bad=skip_bad, labels=labels, leave_annotated=leave_annotated, context=context
    )


def _export(
    project: Project,
    context: JobContext,
    *,
    path: str,
    format: str,
    include_suggestions: bool = False,
    splits: Sequence[str] = (),
    scope: Literal["done_or_annotated", "done", "all"] = "done_or_annotated",
    images: Literal["none", "copy", "link"] = "none",
    merge: bool = False,
    replace: bool = False,
    verify: bool = False,
    version: str = "",
    only: Sequence[int] | None = None,
    flat: bool = False,
) -> ExportResult:
    return project.export(
        path,
        format,
        include_suggestions=include_suggestions,
        splits=tuple(Split(s) for s in splits),
        scope=scope,
        images=images,
        merge=merge,
        replace=replace,
        verify=verify,
        version=version,
        only=only,
        flat=flat,
        context=context,
    )


def _simulate(
    project: Project,
    context: JobContext,
    *,
    truth: str,
    task: str = "tags",
    truth_format: str | None = None,
    budgets: Sequence[int] = (10, 20, 50, 100, 200),
    strategy: str = "default",
    seeds: int = 3,
) -> SimulateResult:
    return project.simulate(
        task,
        truth=truth,
        truth_format=truth_format,
        budgets=budgets,
        strategy=strategy,
        seeds=seeds,
        context=context,
    )


def _audit(
    project: Project,
    context: JobContext,
    *,
    parts: Sequence[str] = (),
    against: Sequence[str] = (),
    model: str | None = None,
    device: str = "auto",
) -> AuditResult:
    return project.audit(parts, against=against, model=model, device=device, context=context)


def _pull(project: Project, context: JobContext, *, model: str) -> PullResult:
    from annotator.models.pull import pull

    path = pull(model, context=context)
    return PullResult(model, str(path), path.stat().st_size)


JOBS: Mapping[str, Job] = {
    job.name: job
    for job in (
        Job("scan", "Looking for pictures", _scan, ScanResult),
        Job("add_folder", "Adding a folder", _add_folder, ScanResult),
        Job("index", "Looking at the pictures", _index, IndexResult),
        Job("suggest", "Suggesting", _suggest, SuggestResult),
        Job("train", "Learning from verdicts", _train, TrainResult),
        Job("group_regions", "Grouping what looks alike", _group_regions, RegionGroupsResult),
        Job("name_regions", "Naming regions", _name_regions, SuggestResult),
        Job("accept", "Accepting", _accept, AcceptResult),
        Job("import", "Importing", _import, ImportResult),
        Job("export", "Exporting", _export, ExportResult),
        Job("audit", "Looking for what is wrong", _audit, AuditResult),
        Job("pull", "Fetching a model", _pull, PullResult),
        Job("simulate", "Simulating the loop", _simulate, SimulateResult),
    )
}


def job(name: str, jobs: Mapping[str, Job] = JOBS) -> Job:
    """The job called ``name``; raises ``UsageError`` naming those there are."""
    try:
        return jobs[name]
    except KeyError:
        raise UsageError(f"There is no job called {name!r}.", f"The jobs are: {', '.join(sorted(jobs))}.") from None
