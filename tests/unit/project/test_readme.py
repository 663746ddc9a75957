"""The Python example of the README runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_the_example_runs(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    pictures.rename(pictures.parent / "photos")
    monkeypatch.chdir(pictures.parent)
    exec(example, {})
    lines = (pictures.parent / "tags.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "image,label,confidence,state,annotator"
    assert len(lines) == 25
