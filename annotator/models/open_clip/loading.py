"""From a model name and weights to a network of ``open_clip``: every failure becomes one line that names the file."""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotator.errors import ModelError, UsageError, install_again
from annotator.models.weights import first_line


def import_open_clip() -> Any:
    """The package ``open_clip``. Takes some seconds the first time. Raises ModelError when it is not installed."""
    try:
        import open_clip
    except ImportError as error:
        raise ModelError(f"The open_clip backend is not installed ({error}).", install_again("torch")) from error
    return open_clip


def register_name(name: str) -> str:
    """The name under which open_clip knows the model; a path to a JSON config registers it first.

    Raises UsageError for an unknown name, ModelError for a config that cannot be read.
    """
    open_clip = import_open_clip()
    if name.endswith(".json"):
        path = Path(name)
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The model config {path} cannot be read ({error}).",
                "Give the JSON config of an open_clip model.",
                path=path,
            ) from error
        # Checked before open_clip sees it: a file it cannot read would stay in its list and fail every later scan.
        if not isinstance(config, dict) or not {"embed_dim", "vision_cfg", "text_cfg"} <= set(config):
            raise ModelError(
                f"The model config {path} is not one of open_clip.",
                "It needs embed_dim, vision_cfg and text_cfg.",
                path=path,
            )
        open_clip.add_model_config(path)
        return path.stem
    known = open_clip.list_models()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        raise UsageError(
            f"open_clip has no model {name!r}.",
            f"Did you mean {', '.join(near)}?" if near else "For example: ViT-B-32.",
        )
    return name


def find_weights(name: str, weights: Path | None, tag: str | None) -> tuple[Path, Mapping[str, Any]]:
    """The weights file and the preprocessing that its tag prescribes (empty for a file).

    A tag is downloaded by open_clip into its own cache. Raises ModelError when there are no weights, UsageError for an
    unknown tag.
    """
    open_clip = import_open_clip()
    if weights is not None:
        if not weights.is_file():
            raise ModelError(f"The weights file {weights} does not exist.", "Check the path.", path=weights)
        return weights, {}
    if not tag:
        raise ModelError(f"{name} has no weights.", "Give a weights file, or a tag: open_clip:NAME:TAG.")
    config = open_clip.get_pretrained_cfg(name, tag)
    if not config:
        tags = open_clip.list_pretrained_tags_by_model(name)
        some = difflib.get_close_matches(tag, tags, n=4, cutoff=0) or ["none; give a weights file"]
        raise UsageError(f"open_clip has no weights {tag!r} for {name}.", f"It has: {', '.join(some)}.")
    try:
        with quiet_root_logger():
            return Path(open_clip.download_pretrained(config)), {
                key: config[key] for key in PREPROCESSING if key in config
            }
    except Exception as error:  # the hub client raises classes of whichever HTTP library it uses
        raise ModelError(
            f"The weights {name}:{tag} cannot be downloaded ({first_line(error)}).",
            "Check the network, or give a weights file.",
        ) from error


PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")


def build_network(name: str, weights: Path, *, device: str, half: bool, preprocessing: Mapping[str, Any]) -> Any:
    """The network with its weights, ready for inference. Only tensors are read from the file; nothing in it runs.

    Raises ModelError when the file is damaged or belongs to another model.
    """
    open_clip = import_open_clip()
    try:
        with quiet_root_logger(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = open_clip.create_model(
                name,
                pretrained=str(weights),
                precision="fp16" if half else "fp32",
                device=device,
                pretrained_text=False,
                weights_only=True,
                force_preprocess_cfg=dict(preprocessing),
            )
    except Exception as error:  # unpickling, zip, safetensors and torch each have their own
        text = str(error)
        if "TorchScript" in text:
            cause, cure = (
                "it is a TorchScript archive, which can run code",
                "Use a safetensors file or a state dict of the same model.",
            )
        elif "Missing key" in text or "size mismatch" in text or "Unexpected key" in text:
            cause, cure = (
                f"its tensors are not those of {name}",
                "Give the weights of this model, or the name of the model they belong to.",
            )
        else:
            cause, cure = first_line(error), "Download it again: it is damaged, or not a weights file."
        raise ModelError(f"The weights file {weights} cannot be loaded: {cause}.", cure, path=weights) from error
    return network.eval().requires_grad_(False)


@contextlib.contextmanager
def quiet_root_logger() -> Iterator[None]:
    """Keeps open_clip, which logs through the root logger, from installing a handler there for the whole process."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)
