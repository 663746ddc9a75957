"""The table at the end of an import and an export: what was kept, converted (how) and dropped (why)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from annotator.cli.shared import plural, table
from annotator.formats.report import ReportRow

SHOWN = 100


def show_report(console: Console, rows: Sequence[ReportRow], notes: Sequence[str], warnings: Sequence[str]) -> None:
    """Print the table, then what is said once of the whole dataset, then the warnings."""
    if rows:
        shown = table("label", "what", "outcome", "how or why", "count", "pictures")
        for column in shown.columns[1:4]:
            column.justify = "left"
        for row in rows[:SHOWN]:
            shown.add_row(row.label, row.kind, row.outcome.value, row.detail, f"{row.count:,}", f"{row.images:,}")
        console.print(shown)
    if len(rows) > SHOWN:
        console.print(f"… and {plural(len(rows) - SHOWN, 'more line')}; --json has all of them.")
    for note in notes:
        console.print(f"Note: {note}.")
    for warning in warnings:
        console.print(f"  {warning}")
