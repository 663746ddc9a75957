"""CVAT's attributes and the schema of a label: input types, values, defaults, what may change along a track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from annotator.domain.geometry import Box
from annotator.formats.cvat import reader, writer
from annotator.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, DatasetLabel

HEAD = """<annotations><version>1.1</version><meta><task><labels><label><name>car</name><color>#c06060</color><attributes>
{}
</attributes></label></labels></task></meta><image id="0" name="a.jpg" width="20" height="10">
<box label="car" xtl="1" ytl="2" xbr="5" ybr="6">{}</box></image></annotations>"""
ATTRIBUTE = (
    "<attribute><name>{}</name><mutable>{}</mutable><input_type>{}</input_type><default_value>{}</default_value>"
    "<values>{}</values></attribute>"
)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        (("n", "False", "checkbox", "false", "false"), {"type": "checkbox"}),
        (("n", "False", "checkbox", "true", "true"), {"type": "checkbox", "default": True}),
        (("n", "True", "text", "", ""), {"type": "text", "mutable": True}),
        (("n", "False", "text", "Tom", "Tom"), {"type": "text", "default": "Tom"}),
        (("n", "False", "number", "0", "0\n100\n5"), {"type": "number", "range": [0, 100, 5]}),
        (("n", "False", "number", "4", "2;5;1"), {"type": "number", "range": [2, 5, 1], "default": 4}),
        (("n", "False", "number", "0.5", "x"), {"type": "number", "default": 0.5}),
        (("n", "False", "select", "red", "red\nblue"), {"type": "choice", "choices": ["red", "blue"]}),
        (
            ("n", "True", "radio", "b c", "a\nb c"),
            {"type": "choice", "choices": ["a", "b c"], "input": "radio", "default": "b c", "mutable": True},
        ),
        (("n", "False", "slider", "1", "1"), {"type": "text", "input": "slider", "default": "1"}),
    ],
)
def test_an_attribute_becomes_an_entry_and_comes_back_as_it_was(
    written: tuple[str, ...], entry: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text(HEAD.format(ATTRIBUTE.format(*written), ""))
    dataset = reader.read(tmp_path / "a.xml").dataset
    assert dataset.labels[0].schema == {"n": entry}
    writer.write(dataset, tmp_path / "b.xml")
    fields = zip(("name", "mutable", "input_type", "default_value", "values"), written, strict=True)
    text = (tmp_path / "b.xml").read_text()
    assert all(f"<{tag}>{value}</{tag}>" in text for tag, value in fields)
    bare = replace(dataset, labels=(replace(dataset.labels[0], extra={}),))
    writer.write(bare, tmp_path / "c.xml")
    kept = {key: value for key, value in entry.items() if value != "slider"}
    assert reader.read(tmp_path / "c.xml").dataset.labels[0].schema == {"n": kept}, "without what CVAT said, too"


def test_an_entry_that_was_changed_here_is_written_as_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(HEAD.format(ATTRIBUTE.format("colour", "False", "select", "red", "red\nblue"), ""))
    dataset = reader.read(tmp_path / "a.xml").dataset
    schema = {"worn": {"type": "checkbox"}, "colour": {"type": "choice", "choices": ["red", "green"]}}
    writer.write(replace(dataset, labels=(replace(dataset.labels[0], schema=schema),)), tmp_path / "b.xml")
    text = (tmp_path / "b.xml").read_text()
    assert "blue" not in text
    assert text.index("<name>worn</name>") < text.index("<name>colour</name>")
    assert "<values>red\ngreen</values>" in text


def test_values_are_of_the_type_that_the_schema_says(tmp_path: Path) -> None:
    attributes = [("a", "checkbox"), ("b", "number"), ("c", "select"), ("d", "number")]
    head = "".join(ATTRIBUTE.format(name, "False", kind, "", "1\n2") for name, kind in attributes)
    said = "".join(
        f'<attribute name="{n}">{v}</attribute>' for n, v in zip("abcd", ("true", "2", "2", "two"), strict=True)
    )
    (tmp_path / "a.xml").write_text(HEAD.format(head, said))
    (image,) = reader.read(tmp_path / "a.xml").dataset.images
    assert image.annotations[0].attributes == {"a": True, "b": 2, "c": "2", "d": "two"}


def test_an_attribute_in_use_that_the_schema_does_not_know_is_declared(tmp_path: Path) -> None:
    one = DatasetAnnotation("car", Box(1, 2, 5, 6), {"doors": 3, "worn": True})
    label = DatasetLabel("car", schema={"worn": {"type": "checkbox", "mutable": True}})
    writer.write(Dataset((label,), (DatasetImage("a.jpg", (one,), 20, 10),)), tmp_path / "a.xml")
    read = reader.read(tmp_path / "a.xml").dataset
    assert read.labels[0].schema == {"worn": {"type": "checkbox", "mutable": True}, "doors": {"type": "number"}}
    assert next(iter(read.images)).annotations[0].attributes == {"doors": 3, "worn": True}
