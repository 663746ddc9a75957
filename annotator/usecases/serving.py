"""Which model serves what in a project: tags, boxes, masks, and the smart tool; remembered in the project's settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from annotator.domain.kinds import Task
from annotator.errors import UsageError
from annotator.models import catalogue
from annotator.usecases.settings_view import SettingsView


class Role(StrEnum):
    """What a model can be chosen for. The values begin the settings' keys."""

    TAGS = "tags"
    BOXES = "boxes"
    MASKS = "masks"
    SMART = "smart"


TASK_OF = {Role.TAGS: Task.TAGS, Role.BOXES: Task.BOXES, Role.MASKS: Task.MASKS, Role.SMART: Task.MASKS}
BUILT_IN = {
    Role.TAGS: "embedded",
    Role.BOXES: "",
    Role.MASKS: "embedded-segmenter",
    Role.SMART: "embedded-segmenter",
}
"""Who serves when nobody was chosen; the boxes' own head, which learns in the project, has no entry in the catalogue."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model and, where a person gave one, its weights file. An empty ``model``: what the project trains itself."""

    model: str
    weights: Path | None = None


def serving(settings: SettingsView, role: Role) -> Served:
    """Who serves; a model that this version does not know is passed over."""
    model, weights = settings.get(f"{role}.model"), settings.get(f"{role}.weights")
    if not isinstance(model, str) or not _is_known(model):
        return Served(BUILT_IN[role])
    return Served(model, Path(weights) if isinstance(weights, str) and weights else None)


def choose(settings: SettingsView, role: Role, served: Served) -> None:
    """Let another model serve from now on."""
    settings.set(f"{role}.model", served.model)
    settings.set(f"{role}.weights", None if served.weights is None else str(served.weights.absolute()))


def _is_known(model: str) -> bool:
    try:
        catalogue.find(model)
    except UsageError:
        return False
    return True
