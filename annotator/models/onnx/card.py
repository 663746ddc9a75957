"""The card: a TOML file beside an ONNX file that says what goes in and what comes out. ``docs/models.md`` explains the keys."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from annotator.errors import ModelError

Side = Annotated[int, Meta(ge=1, le=16384)]
Share = Annotated[float, Meta(ge=0, le=1)]
Channels = Annotated[tuple[float, ...], Meta(min_length=1, max_length=3)]


class Fit(StrEnum):
    """How a picture is brought to the input's size."""

    LETTERBOX = "letterbox"
    LETTERBOX_CORNER = "letterbox_corner"
    STRETCH = "stretch"


class Colours(StrEnum):
    RGB = "rgb"
    BGR = "bgr"


class Axes(StrEnum):
    """The order of the input's dimensions."""

    NCHW = "nchw"
    NHWC = "nhwc"


class Interpolation(StrEnum):
    LINEAR = "linear"
    AREA = "area"


class Layout(StrEnum):
    """What the output tensors mean; see ``layouts``."""

    YOLO = "yolo"
    YOLO_GRID = "yolo_grid"
    FASTESTDET = "fastestdet"
    END_TO_END = "end_to_end"
    SEMANTIC = "semantic"


class Corners(StrEnum):
    """What the four numbers of a box are."""

    XYXY = "xyxy"
    CXCYWH = "cxcywh"


class Unit(StrEnum):
    """What the numbers of a box are measured in."""

    PIXELS = "pixels"
    RELATIVE = "relative"


class Activation(StrEnum):
    """What still has to be applied to the scores."""

    NONE = "none"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The picture as the network wants it: (x / ``scale`` − ``mean``) / ``std`` for each channel in ``colours`` order."""

    width: Side
    height: Side
    fit: Fit = Fit.LETTERBOX
    fill: Annotated[int, Meta(ge=0, le=255)] = 114
    interpolation: Interpolation = Interpolation.LINEAR
    colours: Colours = Colours.RGB
    axes: Axes = Axes.NCHW
    scale: Annotated[float, Meta(gt=0)] = 255.0
    mean: Channels = (0.0,)
    std: Channels = (1.0,)


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes out. Names of tensors are needed only where the file's own order is not the layout's."""

    layout: Layout
    tensor: str = ""
    scores: str = ""
    classes: str = ""
    masks: str = ""
    prototypes: str = ""
    box: Corners = Corners.CXCYWH
    unit: Unit = Unit.PIXELS
    objectness: bool = False
    activation: Activation = Activation.NONE
    strides: tuple[Side, ...] = (8, 16, 32)
    first_class: int = 0
    background: int | None = None
    min_score: Share = 0.25
    max_overlap: Share = 0.5
    max_boxes: Annotated[int, Meta(ge=1)] = 300


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model: its file (beside the card), its names in the order of its classes, its input and its output."""

    names: Annotated[tuple[str, ...], Meta(min_length=1)]
    input: Input
    output: Output
    file: str = ""
    title: str = ""
    licence: str = ""


def read_card(path: Path) -> tuple[Card, Path]:
    """The card and the ONNX file it belongs to; ``path`` is either of the two, which share a name unless ``file`` is set.

    Raises ModelError that names the file and the key when one is missing or wrong.
    """
    card_path = path if path.suffix == ".toml" else path.with_suffix(".toml")
    try:
        document = tomllib.loads(card_path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        cure = f"Write {card_path.name} beside the model: docs/models.md shows how."
        raise ModelError(f"The model card {card_path} does not exist.", cure, path=card_path) from None
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The model card {card_path} cannot be read: {error}.", "Correct the TOML there.", path=card_path
        ) from error
    try:
        card = msgspec.convert(document, Card)
    except msgspec.ValidationError as error:
        raise _wrong(card_path, str(error).replace("`$.", "`")) from error
    _check(card, card_path)
    model_path = (
        path if path.suffix != ".toml" and not card.file else card_path.with_name(card.file or card_path.stem + ".onnx")
    )
    if not model_path.is_file():
        raise ModelError(
            f"The model {model_path} of the card {card_path.name} does not exist.",
            "Put it beside the card, or set `file` in the card.",
            path=model_path,
        )
    return card, model_path


def _check(card: Card, path: Path) -> None:
    """What the types cannot say."""
    if card.file and Path(card.file).name != card.file:
        raise _wrong(path, "expected the name of a file beside the card - at `file`")
    for key in ("mean", "std"):
        if len(getattr(card.input, key)) == 2:
            raise _wrong(path, f"expected one number or one for each of three channels - at `input.{key}`")
    if not all(card.input.std):
        raise _wrong(path, "expected numbers other than 0 - at `input.std`")
    if len(set(card.names)) != len(card.names):
        twice = next(name for name in card.names if card.names.count(name) > 1)
        raise _wrong(path, f"{twice!r} stands there twice - at `names`")
    if card.output.layout is Layout.YOLO_GRID:
        for stride in card.output.strides:
            if card.input.width % stride or card.input.height % stride:
                raise _wrong(path, f"the input size is no multiple of {stride} - at `output.strides`")


def _wrong(path: Path, what: str) -> ModelError:
    return ModelError(
        f"The model card {path} is wrong: {what}.", "Correct it: docs/models.md explains the keys.", path=path
    )
