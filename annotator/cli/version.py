"""``annotator version``: keep the dataset as it is under a name, list such versions, compare two."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, ProjectPath, answer, plural, table, work
from annotator.usecases.results import DiffResult, VersionResult

Name = Annotated[str, typer.Argument(metavar="NAME", help="The version's name.")]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Keep versions of the dataset, and compare them.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_versions)
    group.command("diff")(diff)
    app.add_typer(group, name="version")


def create(
    project: ProjectPath,
    name: Name,
    note: Annotated[str, typer.Option("--note", help="What the version is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep the dataset as it is now; export it at any time with --version."""
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        result = work(lambda context: opened.create_version(name, note, context=context), "Keeping the dataset")
    answer(result, as_json, lambda console: console.print(_line(result), markup=False))


def list_versions(project: ProjectPath, as_json: AsJson = False) -> None:
    """List the versions, oldest first."""
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        found = opened.versions()
    answer({"versions": found}, as_json, lambda console: _list(console, found))


def diff(
    project: ProjectPath,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A version.")],
    after: Annotated[
        str, typer.Argument(metavar="AFTER", help="Another; left away: the dataset as it is now.")
    ] = "current",
    as_json: AsJson = False,
) -> None:
    """Say what changed between two versions."""
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        result = work(lambda context: opened.diff_versions(before, after, context=context), "Comparing")
    answer(result, as_json, lambda console: _show(console, result))


def _line(version: VersionResult) -> str:
    what = f"{plural(version.annotations, 'annotation')} on {plural(version.images, 'picture')}"
    note = f": {version.note}" if version.note else ""
    return f"{version.name} ({version.created_at[:16].replace('T', ' ')}, {version.annotator}): {what}{note}"


def _list(console: Console, found: tuple[VersionResult, ...]) -> None:
    for version in found:
        console.print(_line(version), markup=False)
    if not found:
        console.print("There is no version yet: `annotator version create PROJECT NAME` keeps one.", markup=False)


def _show(console: Console, result: DiffResult) -> None:
    console.print(
        f"{result.before} to {result.after}: {plural(result.images_added, 'picture')} added, "
        f"{result.images_removed:,} removed, {result.images_changed:,} changed",
        markup=False,
    )
    labels = table("label", "added", "removed")
    for each in result.labels:
        labels.add_row(each.name or "(captions)", f"{each.added:,}", f"{each.removed:,}")
    if result.labels:
        console.print(labels)
    for name in result.changed:
        console.print(f"  {name}", markup=False)
