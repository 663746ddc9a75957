"""Which models there are, whether each can run here, and how to load it. The list itself is data: ``catalogue.toml``.

A backend is a folder with a factory ``load(entry, weights, device)``; adding one is the folder and its entry.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

import resources
from annotator.domain.kinds import Task
from annotator.errors import ModelError, UsageError, install_again

CATALOGUE_FILE = Path(resources.__file__).parent / "models" / "catalogue.toml"


@dataclass(frozen=True, slots=True)
class Weights:
    """A file to download. ``sha256`` in hex; ``size`` in bytes, 0 when not known."""

    file: str
    url: str
    sha256: str
    size: int = 0


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue; the fields are explained in ``catalogue.toml``."""

    id: str
    title: str
    tasks: tuple[Task, ...]
    licence: str
    factory: str
    needs: tuple[str, ...] = ()
    extra: str = ""
    weights: Weights | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    accepts_name: bool = False
    needs_file: bool = False
    ships: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a model can be loaded now; if not, why, and what to do about it."""

    ready: bool
    reason: str = ""
    cure: str = ""


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All models, in the order of the file."""
    document = tomllib.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(document["model"], tuple[Entry, ...])


def find(model_id: str) -> Entry:
    """The entry of an id; ``open_clip:NAME`` and ``open_clip:NAME:TAG`` are made up from the entry of the backend.

    Raises UsageError for an unknown id.
    """
    known = {entry.id: entry for entry in entries()}
    if model_id in known:
        return known[model_id]
    backend, _, rest = model_id.partition(":")
    if rest and backend in known and known[backend].accepts_name:
        # A config file's path may hold a colon itself (C:\model.json), and then there is no tag.
        name, _, tag = (rest, "", "") if rest.endswith(".json") else rest.partition(":")
        options = {**known[backend].options, "model": name, **({"tag": tag} if tag else {})}
        return replace(known[backend], id=model_id, options=options)
    near = difflib.get_close_matches(model_id, known, n=1)
    raise UsageError(
        f"There is no model {model_id!r}.", f"Did you mean {near[0]}?" if near else f"Known models: {', '.join(known)}."
    )


def with_absolute_path(model_id: str) -> str:
    """``BACKEND:CONFIG.json`` with the file's absolute path, so that it is found from any folder; other ids as they are."""
    backend, _, rest = model_id.partition(":")
    if rest.endswith(".json") and Path(rest).is_file():
        return f"{backend}:{Path(rest).absolute()}"
    return model_id


def models_folder() -> Path:
    """Where pulled weights lie: ANNOTATOR_MODELS, or the user's data directory."""
    chosen = os.environ.get("ANNOTATOR_MODELS")
    return Path(chosen) if chosen else platformdirs.user_data_path("annotator", appauthor=False) / "models"


def weights_path(entry: Entry) -> Path | None:
    """Where the weights of an entry are or will be; None when it has none to pull."""
    return models_folder() / entry.weights.file if entry.weights else None


def available(model_id: str, *, weights: Path | None = None) -> Availability:
    """Whether ``load(model_id, weights=weights)`` can work here. Imports nothing heavy, reads no weights.

    Raises UsageError for an unknown id.
    """
    entry = find(model_id)
    if not _importable(entry.factory.partition(":")[0]):
        return Availability(False, f"This version of Annotator cannot run {entry.id} yet.", "Update Annotator.")
    if missing := [name for name in entry.needs if not _importable(name)]:
        reason = f"{entry.id} needs {', '.join(missing)}, not installed here."
        return Availability(False, reason, install_again(entry.extra))
    if entry.accepts_name and "model" not in entry.options:
        return Availability(
            False, f"{entry.id} needs the name of a model.", f"For example {entry.id}:ViT-B-32 with a weights file."
        )
    if weights is not None:
        if not weights.is_file():
            return Availability(False, f"The weights file {weights} does not exist.", "Check the path.")
    elif entry.accepts_name and "tag" not in entry.options:
        return Availability(
            False, f"{entry.id} has no weights.", f"Give a weights file, or a tag as in {entry.id}:TAG."
        )
    elif entry.needs_file:
        return Availability(False, f"{entry.id} has no model of its own.", "Give the file of a model.")
    elif (path := weights_path(entry)) is not None and not path.is_file():
        return Availability(
            False, f"The weights of {entry.id} are not here ({path}).", f"Run: annotator models pull {entry.id}"
        )
    return Availability(True)


def load(model_id: str, *, weights: Path | None = None, device: str = "auto") -> Any:
    """The model, ready to run: an object that implements the protocols of its tasks. Prints nothing.

    ``weights``: a local file instead of the pulled one. ``device``: see ``device.choose``.
    Raises UsageError for an unknown id or device, ModelError when it cannot run or its weights are missing or unfit.
    """
    state = available(model_id, weights=weights)
    if not state.ready:
        raise ModelError(state.reason, state.cure, path=weights)
    entry = find(model_id)
    module, _, function = entry.factory.partition(":")
    return getattr(importlib.import_module(module), function)(entry, weights or weights_path(entry), device)


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
