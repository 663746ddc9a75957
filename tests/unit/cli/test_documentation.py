"""Every command and option is documented, and nothing is documented that does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from annotator.cli.main import app
from annotator.cli.shared import FORMATS
from annotator.formats import registry

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: Any, prefix: str = "annotator") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


COMMANDS = dict(commands(typer.main.get_command(app)))


def section(name: str) -> str:
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section '## {name}'"
    return found[1]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_of_a_command_is_documented(name: str) -> None:
    text = section(name)
    options = {option for p in COMMANDS[name].params for option in p.opts if option.startswith("--")} - {"--help"}
    missing = sorted(option for option in options - {"--json"} if option not in text)
    assert not missing, f"docs/cli.md, {name}: {missing} are missing"
    if "--json" in options:
        assert "--json" in text
        assert "JSON:" in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_option_is_documented_that_does_not_exist(name: str) -> None:
    known = {option for p in COMMANDS[name].params for option in p.opts}
    usage = section(name).split("| option |")[0].split("JSON:")[0]
    table = "\n".join(line.split("|")[1] for line in section(name).splitlines() if line.startswith("| `--"))
    said = set(re.findall(r"--[a-z][a-z-]+", re.sub(r"`[^`\n]*`", "", usage) + table))
    assert said <= known


def test_every_section_is_a_command() -> None:
    assert set(re.findall(r"^## (annotator .+)$", PAGE, re.MULTILINE)) == set(COMMANDS)


def test_every_command_has_a_help_text() -> None:
    assert all(command.help for command in COMMANDS.values())


def test_the_help_names_every_format() -> None:
    assert FORMATS.replace(" or ", ", ").split(", ") == list(registry.formats())
