"""``annotator regions``: group what lies in the pictures by look before anything is labelled, and name a group once for all."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from annotator.cli.shared import AsJson, ProjectPath, answer, plural, table, work
from annotator.errors import UsageError
from annotator.usecases.results import RegionGroupsResult, SuggestResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("regions")(regions)


def regions(
    project: ProjectPath,
    groups: Annotated[int, typer.Option("--groups", min=1, max=100, help="How many groups to make.")] = 8,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many pictures, in the queue's order.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="GROUP=LABEL: suggest the label for the group (GROUP= takes it back); repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Group regions by look; with --name, suggest masks for the groups made before."""
    from annotator.project import Project

    with Project.open(project) as opened:
        if name:
            wanted = dict(_pair(each) for each in name)
            named = work(lambda context: opened.name_regions(wanted, context=context), "Naming regions")
            answer(named, as_json, lambda console: _show_named(console, named))
        else:
            made = work(lambda context: opened.group_regions(groups, limit=limit, context=context), "Finding regions")
            uris = {i: image.uri for group in made.groups for i in group.examples for image in opened.images.many([i])}
            answer(made, as_json, lambda console: _show_groups(console, made, uris))


def _pair(text: str) -> tuple[str, str]:
    group, sign, label = text.partition("=")
    if not (group.strip() and sign):
        raise UsageError(f"--name {text!r} does not name a group.", "For example: --name A=leaf")
    return group.strip(), label.strip()


def _show_groups(console: Console, result: RegionGroupsResult, uris: dict[int, str]) -> None:
    rows = table("group", "regions", "pictures", "clearest in")
    for group in result.groups:
        examples = ", ".join(uris[each] for each in group.examples)
        rows.add_row(group.name, f"{group.regions:,}", f"{group.images:,}", examples)
    console.print(rows)
    console.print(
        f"{plural(result.regions, 'region')} of {plural(result.images, 'picture')} in {result.seconds:.0f} s. "
        "Name a group with --name A=LABEL."
    )


def _show_named(console: Console, result: SuggestResult) -> None:
    found = plural(result.suggestions, "suggestion")
    console.print(f"Run {result.run}: {found} for {plural(result.images, 'picture')}", markup=False)
