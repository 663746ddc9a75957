"""What the shell and the window say of models: the catalogue's entries as plain facts, and the machine that they run on."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from annotator.domain.kinds import Task
from annotator.models import catalogue
from annotator.models.catalogue import Entry
from annotator.models.device import cpu_threads
from annotator.models.embedded.assets import MODELS_FOLDER, read_manifest
from annotator.models.weights import content_hash
from annotator.usecases.serving import TASK_OF, Role


@dataclass(frozen=True, slots=True)
class WeightsFacts:
    """Published weights: where they come from, where they are or will be, and how many bytes are here already."""

    url: str
    sha256: str
    size: int
    path: str
    here: int


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """A file that came with the program: ``sha256`` is what it must have; it is checked whenever the model is loaded."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model of the catalogue. ``roles`` it can be chosen for; ``takes_file``: it runs a local file too."""

    id: str
    title: str
    tasks: tuple[str, ...]
    licence: str
    ready: bool
    reason: str
    cure: str
    roles: tuple[Role, ...]
    takes_file: bool
    weights: WeightsFacts | None = None
    ships: tuple[ShippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """``memory`` in bytes, 0 when not known; ``gpus`` are (name, bytes) of NVIDIA cards as their driver tells."""

    threads: int
    memory: int
    gpus: tuple[tuple[str, int], ...] = ()


def model_facts(model_id: str) -> ModelFacts:
    """The facts of one model; raises ``UsageError`` for an unknown id."""
    return _facts(catalogue.find(model_id))


def all_models() -> list[ModelFacts]:
    """The facts of every model of the catalogue, in its order."""
    return [_facts(entry) for entry in catalogue.entries()]


def problem_with(model_id: str, weights: Path | None) -> tuple[str, str]:
    """Why a model cannot run here and what to do about it; two empty texts when it can."""
    state = catalogue.available(model_id, weights=weights)
    return state.reason, state.cure


def file_hash(path: Path) -> str:
    """The SHA-256 of a weights file in hex; reads all of it."""
    return content_hash(path)


def machine() -> Machine:
    """What models can run on here. Imports no model library; asks the driver, which may take a second."""
    return Machine(cpu_threads(), _memory(), _gpus())


def _facts(entry: Entry) -> ModelFacts:
    state = catalogue.available(entry.id)
    roles = tuple(role for role, task in TASK_OF.items() if task in entry.tasks and _serves(entry, role))
    takes_file = entry.needs_file or entry.weights is not None or entry.accepts_name
    return ModelFacts(
        entry.id, entry.title, tuple(task.value for task in entry.tasks), entry.licence, state.ready, state.reason,
        state.cure, roles, takes_file, _weights(entry), _shipped(entry),
    )  # fmt: skip


def _serves(entry: Entry, role: Role) -> bool:
    """A segmenter that answers no prompts cannot serve the smart tool, and a name must be complete to be chosen."""
    if TASK_OF[role] is Task.MASKS and entry.needs_file:
        return False
    return not (entry.accepts_name and "model" not in entry.options)


def _shipped(entry: Entry) -> tuple[ShippedFile, ...]:
    known = read_manifest(MODELS_FOLDER)
    paths = [MODELS_FOLDER / name for name in entry.ships]
    return tuple(ShippedFile(p.name, known.get(p.name, ""), p.stat().st_size if p.is_file() else 0) for p in paths)


def _weights(entry: Entry) -> WeightsFacts | None:
    if entry.weights is None:
        return None
    path = catalogue.weights_path(entry)
    assert path is not None
    part = path.with_name(path.name + ".part")
    found = next((p for p in (path, part) if p.is_file()), None)
    here = found.stat().st_size if found is not None else 0
    return WeightsFacts(entry.weights.url, entry.weights.sha256, entry.weights.size, str(path), here)


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _gpus() -> tuple[tuple[str, int], ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.rsplit(",", 1) for line in answer.splitlines() if "," in line]
    return tuple((name.strip(), int(size) << 20) for name, size in rows if size.strip().isdigit())
