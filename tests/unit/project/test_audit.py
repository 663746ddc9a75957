"""The audit over a project: a wrong tag is named with the right label, a copied file with its first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from annotator.edits import set_tag
from annotator.errors import AnnotatorError
from annotator.project import Project


def test_a_wrong_tag_and_a_copied_file_are_found_and_nothing_changes(project: Project, pictures: Path) -> None:
    shutil.copy(pictures / "red" / "0.png", pictures / "blue" / "copy.png")
    project.scan()
    with pytest.raises(AnnotatorError, match="too few tags"):
        project.audit(duplicates=False)
    wrong = 0
    for image in project.images.many(project.images.ids().tolist()):
        label = project.labels.by_name("red" if image.uri.endswith("copy.png") else image.uri.split("/")[0])
        if image.uri == "green/3.png":
            label, wrong = project.labels.by_name("blue"), image.id
        assert label is not None
        page = project.history.page(image.id)
        project.history.perform(set_tag(page, label.id, project.history.vocabulary(), annotator="ann"))
    project.history.flush()
    before = project.stats().sources
    found = project.audit().findings
    worst = next(each for each in found if each.kind == "label")
    assert (worst.image_id, worst.given, worst.other) == (wrong, "blue", "green")
    same = [each for each in found if each.kind == "duplicate" and "the same file" in each.reason]
    assert [{each.uri, each.other} for each in same] == [{"red/0.png", "blue/copy.png"}]
    assert project.stats().sources == before
    assert not [each for each in project.audit(duplicates=False).findings if each.kind == "duplicate"]
