"""Annotator without a window: the store, the models, the learning loop and the formats behind one ``Project``.

    from annotator import Project
    with Project.create("cells", images="photos/", labels=["cell"]) as project:
        project.suggest(task="tags")

Nothing in this package imports Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["AnnotatorError", "Project", "__version__"]

from annotator.errors import AnnotatorError

if TYPE_CHECKING:
    from annotator.project import Project


def __getattr__(name: str) -> Any:
    """Import ``Project`` when it is first asked for, so that ``import annotator`` stays cheap."""
    if name == "Project":
        from annotator.project import Project

        return Project
    raise AttributeError(f"module 'annotator' has no attribute {name!r}")
