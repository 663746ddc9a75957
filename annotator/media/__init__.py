"""The media room: files of images become sizes, pictures, thumbnails and hashes, and folders become streams of images.

Knows nothing of projects, databases or windows. Everything that a person's file can do wrong ends as an ``ImageError``.
"""

from annotator.media.changes import KnownImage, KnownImages, Rescan, rescan
from annotator.media.folders import EXTENSIONS, ScannedImage, ScanProblem, natural_key, scan
from annotator.media.frames import Frame, FrameCache
from annotator.media.hashing import hash_file
from annotator.media.pictures import MAX_PIXELS, ImageInfo, Picture, RawImage, decode, probe, read_raw
from annotator.media.thumbnails import ThumbnailCache, ThumbnailKey

__all__ = [
    "EXTENSIONS",
    "MAX_PIXELS",
    "Frame",
    "FrameCache",
    "ImageInfo",
    "KnownImage",
    "KnownImages",
    "Picture",
    "RawImage",
    "Rescan",
    "ScanProblem",
    "ScannedImage",
    "ThumbnailCache",
    "ThumbnailKey",
    "decode",
    "hash_file",
    "natural_key",
    "probe",
    "read_raw",
    "rescan",
    "scan",
]
