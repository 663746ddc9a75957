"""The project's memory: tables, migrations, repositories and the one writer lane."""

from annotator.store.database import Database
from annotator.store.image_filter import ImageOrder
from annotator.store.images import NewImage, Root
from annotator.store.lane import WriteLane
from annotator.store.lock import ProjectLock
from annotator.store.session import Reader, Writer

__all__ = ["Database", "ImageOrder", "NewImage", "ProjectLock", "Reader", "Root", "WriteLane", "Writer"]
